"""Each kind of Tocsin has its story here."""

from pathlib import Path

from workers.kinds import KINDS


def test_every_kind_has_a_story() -> None:
    stories = "".join(story.read_text() for story in Path(__file__).parent.glob("test_*_story.py"))
    assert not [kind for kind in KINDS if f'"""{kind} from due row to history' not in stories]
