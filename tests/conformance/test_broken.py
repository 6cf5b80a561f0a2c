"""Each promise of the suite, seen to fail on a connector that does not keep it.

Not here: that whole connectors keep them (the other modules of this directory).
"""

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

import pytest

from hub.errors import CredentialError, ProtocolError, TransientError
from tests.conformance import broken as b
from tests.conformance import test_contained as contained
from tests.conformance import test_counts as counts
from tests.conformance import test_hostile as hostile
from tests.conformance import test_pages as pages
from tests.conformance import test_probes as probes
from tests.conformance import test_windows as windows
from tests.conformance import test_wire as wires
from tests.conformance.conftest import Vendor, vendor_of

Promise = Callable[..., None]
NO_PROMISES = {wires.test_every_known_source_is_in_the_suite}  # it is about the suite itself


@dataclass(frozen=True)
class Breakage:
    """A promise that a connector does not keep.

    Args:
        promise: function of the suite.
        by: the broken connector.
        case: the stream on which the breakage shows, the cheapest one.
        given: the promise's parameters, where it has some.
        fails: with what; the breakage's own error, where it raises one.
    """

    promise: Promise
    by: type[b.Broken]
    case: str = "typeform/responses"
    given: Mapping[str, Any] = field(default_factory=dict)
    fails: type[BaseException] | tuple[type[BaseException], ...] = AssertionError

    def __str__(self) -> str:
        return f"{self.by.__name__} {self.promise.__name__}"


SALESFORCE, HUBSPOT, ZENDESK = "salesforce/leads", "hubspot/contacts", "zendesk/tickets"
MAILCHIMP = "mailchimp/members"
NOT_RAISED = pytest.fail.Exception  # of pytest.raises

SANDBOXES = {
    "vendor": "sandbox",
    "empty_vendor": "empty_sandbox",
    "wide_vendor": "wide_sandbox",
    "silent_vendor": "wide_sandbox",
}

TABLE = [
    # questions
    Breakage(probes.test_each_change_is_news_until_it_was_read, b.IsAlwaysQuiet),
    Breakage(probes.test_each_change_is_news_until_it_was_read, b.RingsForEver),
    Breakage(probes.test_a_change_that_is_not_due_yet_is_no_news, b.IgnoresTheLag),
    Breakage(probes.test_a_record_that_committed_late_is_news, b.ForgetsTheOverlap, HUBSPOT),
    Breakage(
        probes.test_a_question_is_a_few_requests_and_an_interrupted_read_is_news,
        b.AsksMoreThanItSays,
    ),
    Breakage(
        probes.test_a_vendor_that_gives_no_answer_is_told_at_once,
        b.AsksAgainAndAgain,
        given={"fault": "down", "kinds": (TransientError,)},
    ),
    Breakage(probes.test_a_forbidden_part_is_named_and_the_others_are_asked, b.HidesRefusals),
    Breakage(
        probes.test_a_refusal_is_told_and_a_silence_is_given_up,
        b.AsksAgainAndAgain,
        fails=(AssertionError, NOT_RAISED),
    ),
    # pages
    Breakage(pages.test_every_record_once, b.DropsTheLastOfAPage),
    Breakage(pages.test_every_record_once, b.HandsOutTwice),
    Breakage(pages.test_every_stream_ends_with_a_watermark, b.NeverEndsAWindow),
    Breakage(pages.test_every_stream_ends_with_a_watermark, b.ReadsContextLast),
    Breakage(pages.test_page_edges, b.StopsAtAPageOfOne, given={"page_size": 1}),
    Breakage(
        pages.test_a_page_size_that_divides_the_records,
        b.DiesOfAnEmptyPage,
        SALESFORCE,
        fails=IndexError,
    ),
    Breakage(pages.test_ties_larger_than_a_page_are_not_lost, b.MovesPastTheSecond, SALESFORCE),
    Breakage(
        pages.test_a_record_with_very_many_fields_is_read,
        b.PutsEveryQueryInTheAddress,
        SALESFORCE,
        fails=ProtocolError,
    ),
    Breakage(pages.test_an_unchanged_record_keeps_its_bytes, b.StampsRecords),
    Breakage(pages.test_a_short_page_is_not_the_last, b.StopsAtAShortPage),
    Breakage(pages.test_a_page_that_comes_for_ever_is_refused, b.GoesRoundInCircles),
    Breakage(
        pages.test_a_page_that_comes_for_ever_is_refused, b.EndsWhereItBegan, fails=NOT_RAISED
    ),
    Breakage(
        pages.test_an_odd_record_is_handed_on_and_stops_nobody,
        b.DiesOfAnOddRecord,
        given={"shape": "nothing in it"},
        fails=ProtocolError,
    ),
    Breakage(
        pages.test_an_odd_record_is_handed_on_and_stops_nobody,
        b.DropsOddRecords,
        given={"shape": "no object"},
    ),
    Breakage(pages.test_texts_come_as_they_are, b.ReadsLatin1, given={"name": "accents"}),
    Breakage(pages.test_texts_come_as_they_are, b.KeepsToAscii, given={"name": "other scripts"}),
    Breakage(pages.test_an_empty_source_has_a_watermark_too, b.SaysNothingOfNothing),
    Breakage(pages.test_no_more_than_a_page_is_held, b.ReadsAhead),
    Breakage(pages.test_no_more_than_a_page_is_held, b.KeepsAllItRead),
    # windows
    Breakage(windows.test_the_next_window_is_small, b.ReadsAllAgain),
    Breakage(windows.test_a_crash_after_any_page_loses_and_doubles_nothing, b.ResumesAtTheNextPage),
    Breakage(windows.test_a_crash_after_any_page_loses_and_doubles_nothing, b.StartsTheWindowAgain),
    Breakage(windows.test_a_crash_does_not_move_the_window, b.FreezesAgain),
    Breakage(
        windows.test_what_changes_during_paging_comes_now_or_next_time, b.MovesTheWatermarkToNow
    ),
    Breakage(windows.test_late_commits_come_with_a_later_window, b.WaitsForNobody),
    Breakage(windows.test_deletes_and_merges_are_reported, b.IgnoresDeletes, HUBSPOT),
    Breakage(windows.test_deletes_and_merges_are_reported, b.NamesNoSurvivor, HUBSPOT),
    Breakage(
        windows.test_a_value_that_changes_without_the_timestamp_is_seen,
        b.ReadsNothingAgain,
        SALESFORCE,
    ),
    Breakage(
        windows.test_a_value_that_changes_without_the_timestamp_is_seen,
        b.ReadsAgainWhatMoved,
        MAILCHIMP,
    ),
    Breakage(
        windows.test_little_more_than_the_silent_values_is_read_again,
        b.ReadsAllOfItAgain,
        MAILCHIMP,
    ),
    # counts
    Breakage(counts.test_the_vendors_count_is_what_was_read, b.CountsOneTooMany),
    Breakage(counts.test_the_vendors_count_is_what_was_read, b.CountsWhatCannotBeCounted, ZENDESK),
    Breakage(counts.test_a_span_is_counted_as_it_is_read, b.CountsFromTheBeginning),
    Breakage(counts.test_a_hidden_record_shows_in_the_count, b.CountsWhatItRead),
    Breakage(counts.test_a_hidden_record_shows_in_the_count, b.InsistsOnTheCount, fails=NOT_RAISED),
    Breakage(
        counts.test_a_span_with_nothing_but_a_hidden_record_is_read_to_its_end,
        b.InsistsOnTheCount,
        fails=ProtocolError,
    ),
    # what is refused
    Breakage(
        contained.test_refused_credentials_are_no_missing_permission, b.TakesARevocationForALack
    ),
    Breakage(
        contained.test_a_vendor_that_is_down_or_hostile_is_told,
        b.DiesOfHtml,
        given={"fault": "hostile"},
        fails=ValueError,
    ),
    Breakage(
        contained.test_a_vendor_that_is_down_or_hostile_is_told,
        b.SwallowsErrors,
        given={"fault": "down"},
        fails=NOT_RAISED,
    ),
    Breakage(
        contained.test_a_forbidden_part_keeps_no_other_back_and_loses_nothing,
        b.StopsAtAForbiddenPart,
    ),
    Breakage(
        contained.test_a_forbidden_part_keeps_no_other_back_and_loses_nothing,
        b.KeepsARefusalToItself,
    ),
    Breakage(
        contained.test_a_forbidden_part_keeps_no_other_back_and_loses_nothing,
        b.ForgetsARefusedPart,
    ),
    Breakage(
        contained.test_a_forbidden_part_keeps_no_other_back_and_loses_nothing,
        b.StopsAtAMissingPermission,
        HUBSPOT,
        fails=CredentialError,
    ),
    Breakage(contained.test_check_names_a_forbidden_part_and_skip_leaves_it_out, b.SkipsNothing),
    # the wire
    Breakage(
        wires.test_a_broken_wire_loses_nothing, b.SwallowsErrors, given={"fault": "server_errors"}
    ),
    Breakage(wires.test_a_broken_wire_loses_nothing, b.SwallowsErrors, given={"fault": "cut"}),
    Breakage(
        wires.test_a_broken_wire_loses_nothing, b.SwallowsErrors, given={"fault": "truncated"}
    ),
    Breakage(
        wires.test_a_broken_wire_loses_nothing,
        b.GivesUpAtOnce,
        given={"fault": "rate_limit"},
        fails=TransientError,
    ),
    Breakage(
        wires.test_a_broken_wire_loses_nothing,
        b.NeverLogsInAgain,
        SALESFORCE,
        given={"fault": "token_expiry"},
        fails=CredentialError,
    ),
    Breakage(
        wires.test_a_broken_wire_loses_nothing,
        b.StopsAtAKnownRecord,
        given={"fault": "duplicate_pages"},
    ),
    Breakage(
        wires.test_a_crash_on_a_broken_wire_loses_nothing,
        b.ResumesAtTheNextPage,
        given={"fault": "mixed"},
    ),
    Breakage(wires.test_a_refusal_is_waited_out, b.ComesAgainAtOnce, given={"waits": True}),
    Breakage(
        wires.test_a_refusal_is_waited_out,
        b.GivesUpAtOnce,
        given={"waits": False},
        fails=TransientError,
    ),
    Breakage(
        wires.test_a_vendor_that_stays_ill_is_told_and_not_taken_for_empty,
        b.SwallowsErrors,
        given={"status": 500},
        fails=NOT_RAISED,
    ),
    Breakage(
        wires.test_a_vendor_that_stays_ill_is_told_and_not_taken_for_empty,
        b.TriesForEver,
        given={"status": 503},
        fails=NOT_RAISED,
    ),
    Breakage(
        wires.test_a_vendor_that_stays_ill_is_told_and_not_taken_for_empty,
        b.GivesUpAtOnce,
        given={"status": 503},
    ),
    Breakage(wires.test_a_silent_vendor_is_asked_again, b.WaitsForEver),
    Breakage(wires.test_every_request_is_paid_for, b.GoesPastTheBudget),
    Breakage(wires.test_only_reads_reach_the_vendor, b.WritesBack),
    Breakage(wires.test_no_secret_is_said, b.LogsItsSecret),
    Breakage(wires.test_no_secret_is_said, b.ShowsItsSecret),
    Breakage(wires.test_check_is_content, b.IsNeverContent),
    Breakage(
        wires.test_refused_credentials_are_told_and_not_shown,
        b.TellsItsSecret,
        given={"broken": "token"},
    ),
    Breakage(
        wires.test_refused_credentials_are_told_and_not_shown,
        b.IsAlwaysContent,
        given={"broken": "token"},
    ),
    Breakage(wires.test_soap_login_where_it_is_offered, b.KnowsOneLogin, SALESFORCE),
    # with a hostile vendor
    Breakage(
        hostile.test_no_token_leaves_for_another_host,
        b.FollowsAddresses,
        ZENDESK,
        given={"address": "another port"},
    ),
    Breakage(
        hostile.test_a_login_names_no_other_host,
        b.TrustsALogin,
        SALESFORCE,
        given={"address": "another host", "auth": "client_credentials"},
    ),
    Breakage(hostile.test_memory_is_bounded, b.ReadsWithoutALimit, given={"coding": "gzip"}),
    Breakage(hostile.test_memory_is_bounded_in_a_redirect, b.ReadsWithoutALimit),
    Breakage(
        hostile.test_nesting_is_bounded, b.RaisesItsOwn, given={"depth": 5000}, fails=RuntimeError
    ),
    Breakage(
        hostile.test_another_shape_is_a_clear_error,
        b.RaisesItsOwn,
        given={"shape": "a list"},
        fails=RuntimeError,
    ),
    Breakage(hostile.test_a_head_without_end_is_a_clear_error, b.RaisesItsOwn, fails=RuntimeError),
    Breakage(
        hostile.test_an_absurd_pause_does_not_stop_the_source_for_ever,
        b.KeepsAnyPause,
        given={"pause": "inf"},
        fails=OverflowError,
    ),
    Breakage(hostile.test_a_large_honest_page_passes, b.RefusesLargePages, fails=ProtocolError),
]


def promises_of(module: ModuleType) -> set[Promise]:
    return {one for name, one in vars(module).items() if name.startswith("test_")} - NO_PROMISES


@pytest.fixture
def fallen(request: pytest.FixtureRequest) -> Iterator[Callable[[Breakage], None]]:
    """Return what keeps a promise to account with a connector, its vendor whole again after."""
    vendors: list[Vendor] = []

    def run(breakage: Breakage) -> None:
        given = dict(breakage.given)
        for name in inspect.signature(breakage.promise).parameters:
            if name in SANDBOXES:
                sandbox = request.getfixturevalue(SANDBOXES[name])
                wire = request.getfixturevalue("wire")
                given[name] = vendor_of(breakage.case, sandbox, wire, breakage.by)
                vendors.append(given[name])
            elif name not in given:
                given[name] = request.getfixturevalue(name)
        try:
            breakage.promise(**given)
        except pytest.skip.Exception as exc:
            pytest.fail(f"the promise was not asked for: {exc}")

    yield run
    for vendor in vendors:
        vendor.break_by("")


@pytest.mark.parametrize("breakage", TABLE, ids=str)
def test_a_broken_connector_is_found_out(breakage: Breakage, fallen: Callable[[Breakage], None]):
    with pytest.raises(breakage.fails):
        fallen(breakage)


@pytest.mark.parametrize(
    "module",
    [contained, counts, hostile, pages, probes, windows, wires],
    ids=lambda one: one.__name__,
)
def test_every_promise_was_seen_to_fail(module: ModuleType):
    assert promises_of(module) - {one.promise for one in TABLE} == set()


def test_every_breakage_is_used():
    classes = {one for one in vars(b).values() if inspect.isclass(one)}
    broken = {one for one in classes if issubclass(one, b.Broken)}
    assert broken - {one.by for one in TABLE} == {b.Broken, b.ChangesPages, b.Rereading}
