"""A language model behind an OpenAI-compatible address: one question, one answer, within a budget of time, tokens and bytes."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import httpx
import msgspec

from infra.settings import Settings

CONNECT_S_MAX = 5.0
LOOK_S_MAX = 5.0
ANSWER_BYTES_MAX = 256 * 1024
PAUSES_S = (0.5, 2.0)  # before another try, where the server asks for no longer one
OVERLOADED = {408, 429, 500, 502, 503, 504, 529}
FORM_REFUSED = {400, 422}  # an older server names a member that it does not know
KEY_REFUSED = {401, 403}
AWAY = (httpx.HTTPError, httpx.InvalidURL)
BYTES_PER_TOKEN = 3  # cautious: English has about four


class Unanswered(Exception):
    """There is no answer; the text goes on after "the language model", and holds nothing that the server said."""


@dataclass(frozen=True)
class LanguageModel:
    """`seconds` and `tokens` may be spent on one report in all, waiting and further tries included."""

    url: str
    name: str
    key: str | None = field(repr=False)
    seconds: float
    tokens: int


class _Told(NamedTuple):
    status: int
    body: bytes
    pause_s: float


class _Message(msgspec.Struct):
    content: str | None = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: list[_Choice]


class _Model(msgspec.Struct):
    id: str


class _Models(msgspec.Struct):
    data: list[_Model]


def of(settings: Settings) -> LanguageModel | None:
    if settings.llm_url is None:
        return None
    return LanguageModel(settings.llm_url, settings.llm_model or "", settings.llm_key, settings.llm_s_max, settings.llm_tokens_max)


def tokens(text: str) -> int:
    """How many tokens a text comes to, rather too many than too few."""
    return len(text.encode()) // BYTES_PER_TOKEN + 1


async def answer(model: LanguageModel, instructions: str, given: str, schema: dict[str, Any]) -> str:
    """What the model answers, asked for as JSON of this schema; whether it is, the caller sees. Raises `Unanswered`."""
    forms = _forms(model, instructions, given, schema)
    try:
        async with asyncio.timeout(model.seconds) as limit, _client(model, model.seconds) as client:
            body = await _body(client, forms, limit.when() or 0)
    except TimeoutError:
        raise Unanswered(f"took longer than {model.seconds:g} s") from None
    return _text(body)


async def is_listed(model: LanguageModel) -> bool | None:
    """Whether the server lists the model; None where it answers without such a list. Raises `Unanswered`."""
    try:
        async with asyncio.timeout(LOOK_S_MAX), _client(model, LOOK_S_MAX) as client:
            told = await _told(client, client.build_request("GET", "models"))
    except TimeoutError:
        raise Unanswered(f"took longer than {LOOK_S_MAX:g} s") from None
    except AWAY as error:
        raise Unanswered(f"could not be reached ({type(error).__name__})") from None
    if told.status in KEY_REFUSED | OVERLOADED:
        raise Unanswered(_reason(told.status))
    try:
        return model.name in {each.id for each in msgspec.json.decode(told.body, type=_Models).data}
    except (msgspec.MsgspecError, RecursionError):
        return None


def _forms(model: LanguageModel, instructions: str, given: str, schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The question as present servers want it, and as older ones know it."""
    said = [{"role": "system", "content": instructions}, {"role": "user", "content": given}]
    left = max(1, model.tokens - tokens(instructions) - tokens(given))
    bound = {"type": "json_schema", "json_schema": {"name": "answer", "strict": True, "schema": schema}}
    question = {"model": model.name, "messages": said}
    return [
        question | {"max_completion_tokens": left, "response_format": bound},
        question | {"max_tokens": left, "response_format": {"type": "json_object"}, "temperature": 0},
    ]


@asynccontextmanager
async def _client(model: LanguageModel, read_s: float) -> AsyncIterator[httpx.AsyncClient]:
    """Goes to the address of the settings only: no redirect, no proxy of the environment, no password file."""
    headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
    if model.key is not None:
        headers["Authorization"] = f"Bearer {model.key}"
    async with httpx.AsyncClient(
        base_url=model.url,
        headers=headers,
        timeout=httpx.Timeout(read_s, connect=CONNECT_S_MAX),
        follow_redirects=False,
        trust_env=False,
        verify=ssl.create_default_context(),
    ) as client:
        yield client


async def _body(client: httpx.AsyncClient, forms: list[dict[str, Any]], until: float) -> bytes:
    """Asks until there is an answer, no try is left, or a pause would end after `until` on the loop's clock."""
    form, pauses = 0, iter(PAUSES_S)
    while True:
        told, reason = await _tried(client, forms[form])
        if told.status == httpx.codes.OK:
            return told.body
        if told.status in FORM_REFUSED and form + 1 < len(forms):
            form += 1
            continue
        pause = next(pauses, None) if told.status in OVERLOADED or not told.status else None
        if pause is None:
            raise Unanswered(reason)
        pause = max(pause, told.pause_s)
        if asyncio.get_running_loop().time() + pause >= until:
            raise Unanswered(f"{reason}, and another try would come too late")
        await asyncio.sleep(pause)


async def _tried(client: httpx.AsyncClient, form: dict[str, Any]) -> tuple[_Told, str]:
    """What came, and the reason to give should it not be an answer; the status is 0 where the connection broke."""
    question = client.build_request(
        "POST", "chat/completions", content=msgspec.json.encode(form), headers={"Content-Type": "application/json"}
    )
    try:
        told = await _told(client, question)
    except httpx.TimeoutException as error:
        raise Unanswered(f"could not be reached in time ({type(error).__name__})") from None
    except AWAY as error:
        return _Told(0, b"", 0), f"could not be reached ({type(error).__name__})"
    return told, _reason(told.status)


async def _told(client: httpx.AsyncClient, question: httpx.Request) -> _Told:
    """Reads as the bytes come, undecoded, so that a small answer cannot unpack into a large one."""
    answered = await client.send(question, stream=True)
    try:
        body = bytearray()
        async for piece in answered.aiter_raw():
            body += piece
            if len(body) > ANSWER_BYTES_MAX:
                raise Unanswered(f"answered with more than {ANSWER_BYTES_MAX // 1024} KiB")
    finally:
        await answered.aclose()
    asked_for = answered.headers.get("Retry-After", "")
    return _Told(answered.status_code, bytes(body), float(asked_for) if re.fullmatch(r"[0-9]{1,6}", asked_for) else 0)


def _reason(status: int) -> str:
    if status in KEY_REFUSED:
        return f"did not accept the key ({status})"
    if 300 <= status < 400:
        return f"answered with a redirect ({status}), which is not followed"
    return f"answered with status {status}"


def _text(body: bytes) -> str:
    try:
        choice = msgspec.json.decode(body, type=_Completion).choices[0]
    except (msgspec.MsgspecError, IndexError, RecursionError):
        raise Unanswered("answered in another form than that of chat completions") from None
    if choice.finish_reason == "length":
        raise Unanswered("needed more tokens than it may spend")
    if not choice.message.content:
        raise Unanswered("answered without a text")
    return choice.message.content
