"""The position of a walk over the forms of an account. Pure; not here: requests (`streams.py`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from hub.connectors.base import Window
from hub.connectors.parts import dump_refused, load_refused
from hub.model.records import JsonValue, texts


@dataclass(frozen=True, slots=True)
class Walk:
    """The position of the walk over the forms."""

    known: frozenset[str] | None  # None: a bare span was asked for, and all forms keep to it
    done: tuple[str, ...] = ()
    form: str = ""
    before: str = ""
    behind: Mapping[str, datetime | None] = field(
        default_factory=dict
    )  # refused: where to continue

    def position(self) -> Mapping[str, JsonValue]:
        """Return what the cursor keeps."""
        done: list[JsonValue] = [*self.done]
        place: dict[str, JsonValue] = {"done": done, "form": self.form, "before": self.before}
        if self.known is not None:
            place["known"] = [*sorted(self.known)]
        return {**place, **dump_refused(self.behind)}

    def since_for(self, form_id: str, since: datetime | None) -> datetime | None:
        """Return the beginning of the window for a form: None if no window has covered it yet."""
        if form_id in self.behind:
            return self.behind[form_id]
        return since if self.known is None or form_id in self.known else None

    def after(self, form_id: str) -> "Walk":
        """Return the walk after a form was read to its end."""
        done = (*self.done, form_id)
        return replace(self.caught_up(form_id), done=done, form="", before="")

    def caught_up(self, form_id: str) -> "Walk":
        """Return the walk after a refused form was read again."""
        left = {name: at for name, at in self.behind.items() if name != form_id}
        return replace(self, behind=left)

    def past(self, form_id: str, since: datetime | None) -> "Walk":
        """Return the walk after a form was refused; a later window continues in the form."""
        return replace(self, form="", before="", behind={**self.behind, form_id: since})


def walk_of(window: Window) -> Walk:
    """Return the walk that a window resumes."""
    resume = window.resume
    return Walk(
        known=frozenset(texts(resume["known"])) if "known" in resume else None,
        done=tuple(texts(resume.get("done"))),
        form=str(resume.get("form") or ""),
        before=str(resume.get("before") or ""),
        behind=load_refused(resume),
    )
