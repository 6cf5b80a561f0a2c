import pytest

from hub.errors import ConfigError
from hub.model.events import EventKind
from hub.notify.preferences import DEFAULTS, Channel, Mode, Preference, modes_for

OFF, INSTANT, DIGEST = Mode.OFF, Mode.INSTANT, Mode.DIGEST
OTHER = {OFF: INSTANT, INSTANT: DIGEST, DIGEST: OFF}


@pytest.mark.parametrize("web", list(Mode))
@pytest.mark.parametrize("email", list(Mode))
@pytest.mark.parametrize("event", list(EventKind))
def test_choice_of_the_person_beats_the_default(event, web, email):
    default = Preference(event, OTHER[web], OTHER[email], INSTANT)
    chosen = modes_for(event, [Preference(event, web, email)], [default])
    assert dict(chosen) == {Channel.WEB: web, Channel.EMAIL: email, Channel.APPRISE: OFF}


def test_default_serves_who_did_not_choose():
    other = Preference("inquiry_received", OFF, OFF)
    default = Preference("lead_assigned", OFF, DIGEST)
    assert modes_for("lead_assigned", [other], [default])[Channel.EMAIL] is DIGEST


def test_every_event_has_a_default_and_losses_send_no_mail():
    assert [one.event for one in DEFAULTS] == list(EventKind)
    silent = {one.event for one in DEFAULTS if one.email is OFF}
    assert silent == {kind for kind in EventKind if kind.endswith("_away")}
    assert {(one.web, one.apprise) for one in DEFAULTS} == {(INSTANT, OFF)}


def test_without_any_default_nobody_is_forgotten():
    modes = modes_for("lead_assigned", [], [])
    assert (modes[Channel.WEB], modes[Channel.EMAIL]) == (INSTANT, INSTANT)


def test_unknown_event_is_refused():
    with pytest.raises(ConfigError, match="lead_asigned"):
        modes_for("lead_asigned", [])
