"""What the index page says of the scanner's files, a row for each session."""

from dataclasses import dataclass

from ecdysis.report.model import Dicom, Stage, State


@dataclass(frozen=True)
class SessionRow:
    """One session: files that passed, files set aside, the settings, and the audits."""

    session: str
    files: str
    set_aside: str
    settings: str
    audits: tuple[tuple[State, str], ...]


def session_rows(dicom: Dicom) -> list[SessionRow]:
    """Return the rows in the order of the sessions; a dash is what is not known yet."""
    return [_row(session, *stages) for session, stages in dicom.sessions.items()]


def _row(session: str, cleaned: Stage, *later: Stage) -> SessionRow:
    audits = [stage for stage in later if stage.name.startswith("audit")]
    facts = cleaned.details or {}
    aside = [f"{item['count']} {item['reason']}" for item in facts.get("quarantined", [])]
    return SessionRow(
        session,
        str(facts.get("files", "–")),
        ", ".join(aside) or ("none" if facts else "–"),
        ", ".join([facts["profile"], *facts["options"]]) if "profile" in facts else "–",
        tuple((audit.state, _found(audit)) for audit in audits if audit.state != "pending"),
    )


def _found(audit: Stage) -> str:
    facts = audit.details or {}
    if "values" not in facts:
        return audit.reason or ""
    accepted = ", ".join(facts.get("accepted", []))
    return f"{facts['values']} values searched in {facts['files']} files, {facts['hits']} found" + (
        f"; accepted in {accepted}" if accepted else ""
    )
