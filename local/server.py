"""A server of somebody else's: what Postgres, Redis and RabbitMQ have in common."""

import abc
import signal
from types import TracebackType
from typing import Self

from local.processes import Watched, running


class Server(abc.ABC):
    """A server on this machine; it runs between `start` and `stop`, or for the length of a `with`."""

    _server: Watched | None = None

    @abc.abstractmethod
    def start(self) -> Self:
        """Returns once the server can be used; one that runs is left alone. Raises ServerError when it can't start."""

    @abc.abstractmethod
    def close(self) -> None:
        """Ends the server and removes what it kept, where that is temporary."""

    @property
    def pid(self) -> int:
        """The process id of the running server. Raises ServerError when it is not running."""
        return running(self._server).pid

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._server is not None and self._server.is_running()

    def stop(self) -> None:
        """Stops the server in order, by SIGTERM; what it keeps stays."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Kills the server's main process by SIGKILL."""
        self._end(signal.SIGKILL)

    def restart(self) -> None:
        """Stops and starts again on the same port; what it does not keep is gone."""
        self.stop()
        self.start()

    def _end(self, number: int) -> None:
        if self._server:
            self._server.end(number)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()
