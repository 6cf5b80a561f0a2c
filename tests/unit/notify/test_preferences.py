import pytest

from hub.errors import ConfigError
from hub.model.events import EventKind
from hub.notify.preferences import Preference, channels_for


@pytest.mark.parametrize("web", [True, False])
@pytest.mark.parametrize("email", [True, False])
@pytest.mark.parametrize("event", list(EventKind))
def test_choice_of_the_person_beats_the_default(event, web, email):
    default = Preference(event, web=not web, email=not email)
    chosen = channels_for(event, [Preference(event, web=web, email=email)], [default])
    assert ("web" in chosen, "email" in chosen) == (web, email)


def test_default_serves_who_did_not_choose():
    other = Preference("inquiry_received", web=False, email=False)
    default = Preference("lead_assigned", web=False, email=True)
    assert channels_for("lead_assigned", [other], [default]) == ("email",)


def test_without_any_default_nobody_is_forgotten():
    assert channels_for("lead_assigned", [], []) == ("web", "email")


def test_unknown_event_is_refused():
    with pytest.raises(ConfigError, match="lead_asigned"):
        channels_for("lead_asigned", [])
