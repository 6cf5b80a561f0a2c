"""Consent as it is shown, refused and corrected by hand."""

from tests.processes import House


def test_a_no_is_kept_shown_refused_and_corrected(served: House) -> None:
    (row, *_) = served.document(
        "sql",
        "SELECT l.id, l.email FROM crm.lead l WHERE l.email IS NOT NULL AND l.merged_into IS NULL "
        "AND l.email NOT LIKE 'info@%' AND l.email NOT LIKE 'contact@%' "
        "AND (SELECT count(*) FROM crm.lead o WHERE o.email = l.email) = 1 ORDER BY l.id DESC",
    )
    address, name = row["email"].lower(), f"lead/{row['id']}"
    served.document("consent", "refuse", name, "--reason", "asked on the phone")
    (said,) = [
        one for one in served.document("consent", "show", address)["states"]
        if (one["channel"], one["purpose"]) == ("email", "marketing")
    ]  # fmt: skip
    assert said["state"] == "opt_out"
    (card,) = [
        one for one in served.document("explain", name)["consents"] if one["address"] == address
    ]
    assert "opt_out" in [one["state"] for one in card["states"]]
    view = served.document("sql", "SELECT * FROM reporting.consents")
    assert list(view[0]) == [
        "address", "channel", "purpose", "state", "basis", "at", "source", "proof",
    ]  # fmt: skip
    assert address in [one["address"] for one in view if one["state"] == "opt_out"]

    refused = served.run("consent", "correct", address, "--reason", "a slip")
    assert refused.returncode == 2
    assert "--proof" in refused.stderr
    done = served.document(
        "consent", "correct", address, "--reason", "a slip", "--proof", "letter 7"
    )
    assert [one["address"] for one in done["corrected"]] == [address]
    shown = served.run("consent", "show", address)
    assert "opt_in" in shown.stdout
    assert served.document("consent", "held") == {"accepted": False, "opt_outs": []}


def test_what_cannot_be_done_is_exit_code_2(served: House) -> None:
    for arguments in (
        ("show", "nobody"),
        ("show", "lead/999999"),
        ("correct", "--reason", "a", "--proof", "b"),
        ("correct", "nobody@nowhere.example.com", "--reason", "a", "--proof", "b"),
        ("correct", "--file", "/nowhere", "--reason", "a", "--proof", "b"),
        ("refuse", "lead/999999", "--reason", "a"),
    ):
        done = served.run("consent", *arguments)
        assert done.returncode == 2, arguments
        assert done.stderr.startswith("error: "), arguments
        assert "Traceback" not in done.stderr
