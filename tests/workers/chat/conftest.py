"""The libraries are read before the first conversation: on a busy machine that takes longer than one may last."""

import pytest


@pytest.fixture(scope="session", autouse=True)
def _libraries() -> None:
    import workers.chat.anthropic_wire
    import workers.chat.openai_wire  # noqa: F401  it is here to be read
