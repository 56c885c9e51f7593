"""What searches ask for, as vectors: made in a thread, remembered for a while, and never waited for too long."""

import asyncio
import logging
from collections import OrderedDict
from typing import TYPE_CHECKING, Any

from infra import thesaurus
from infra.settings import Settings

if TYPE_CHECKING:
    from infra.blas import Floats

ANSWER_S_MAX = 1.5
LOAD_S_MAX = 8.0  # the first question loads the model
REMEMBERED_MAX = 512
LARGEST = 60_000  # a halfvec ends at 65,504
logger = logging.getLogger("runledger.embedding")


class Questions:
    """The model is loaded by the first question; `None` is answered while it cannot be."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._embedder: Any = None
        self._known: OrderedDict[str, str] = OrderedDict()

    async def vector(self, text: str) -> tuple[str, int, str] | None:
        """The model's id, its dimension, and the text's vector as PostgreSQL reads it; None: there is none, or meaning is switched off."""
        if not self._settings.search_meaning:
            return None
        if (vector := self._known.get(text)) is None:
            patience = LOAD_S_MAX if self._embedder is None else ANSWER_S_MAX
            try:
                vector = await asyncio.wait_for(asyncio.to_thread(self._embed, text), patience)
            except Exception as error:  # noqa: BLE001 - whatever ails the model, words still find
                logger.warning("a question has no vector: %s", type(error).__name__)
                return None
            self._known[text] = vector
            if len(self._known) > REMEMBERED_MAX:
                self._known.popitem(last=False)
        self._known.move_to_end(text)
        return self._embedder.model_id, self._embedder.dimension, vector

    def _embed(self, text: str) -> str:
        if self._embedder is None:
            from infra.embedding import choice  # noqa: PLC0415 - numpy and the model are loaded when somebody asks

            self._embedder = choice.of(self._settings, within_s=ANSWER_S_MAX)
            thesaurus.named()  # whoever asks for meaning asks for synonyms next, without a thread
        return written(self._embedder.embed([text])[0])


def written(vector: "Floats") -> str:
    """As PostgreSQL reads a vector of this direction; its length means nothing. Whole numbers take a sixth of the time."""
    return str((vector * (LARGEST / max(float(abs(vector).max()), 1e-12))).astype("int32").tolist())
