"""Which embedder a deployment uses: the address that is set, else the model that is installed, else words and concepts."""

from infra.embedding import sentence_model
from infra.embedding.concepts import Concepts
from infra.embedding.endpoint import CALL_S, Endpoint, Place
from infra.embedding.sentence_model import SentenceModel
from infra.embedding.vectors import Embedder
from infra.settings import Settings


def of(settings: Settings, *, within_s: float = CALL_S) -> Embedder:
    """`within_s`: how long the address is waited for. To be kept: the first call of each loads its weights."""
    if settings.embeddings_url is not None:
        return Endpoint(Place(settings.embeddings_url, settings.embeddings_model or "", settings.embeddings_key, within_s))
    folder = sentence_model.installed()
    return Concepts() if folder is None else SentenceModel(folder)
