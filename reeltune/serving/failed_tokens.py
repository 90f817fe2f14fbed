"""Failed tokens by address: whoever tries too many is no longer listened to for a while."""

import time
from collections import OrderedDict

from reeltune.serving.settings import MAX_FAILED_TOKENS

_WINDOW_SECONDS = 60.0
_MAX_ADDRESSES = 10_000


class FailedTokens:
    """Count of the failed tokens of each address in the last minute; memory is bounded."""

    def __init__(self) -> None:
        self._by_address: OrderedDict[str, tuple[float, int]] = OrderedDict()

    def note(self, address: str, now: float | None = None) -> None:
        """Count a failure."""
        moment = time.monotonic() if now is None else now
        began, count = self._by_address.pop(address, (moment, 0))
        if moment - began >= _WINDOW_SECONDS:
            began, count = moment, 0
        self._by_address[address] = began, count + 1
        if len(self._by_address) > _MAX_ADDRESSES:
            self._by_address.popitem(last=False)

    def seconds_to_wait(self, address: str, now: float | None = None) -> int:
        """Return after how many seconds an address may fail again; 0: now."""
        began, count = self._by_address.get(address, (0.0, 0))
        moment = time.monotonic() if now is None else now
        left = began + _WINDOW_SECONDS - moment
        return max(1, int(left)) if count >= MAX_FAILED_TOKENS and left > 0 else 0
