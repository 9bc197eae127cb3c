"""Each kind of model: how its instances go over the wire and come back, and what is no model."""

from __future__ import annotations

import copy
import dataclasses
import pickle
import subprocess
import sys
from typing import Any, Dict, List, Union

import attrs
import msgspec
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from queen import ConfigurationError, Message, PayloadError, Queen
from tests.unit.client.typed import models
from tests.unit.client.typed.models import KINDS, Box, Number, Order, PydanticNumber


@pytest.fixture(params=["orjson", "json"])
def _json_library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is pushed must be JSON for both libraries that the client may use."""
    if request.param == "orjson":
        pytest.importorskip("orjson")
        return
    from queen.transport import codec

    monkeypatch.setattr(codec, "_dumps", codec._standard_dumps)
    monkeypatch.setattr(codec, "_loads", codec._standard_loads)
    monkeypatch.setattr(codec, "_standard", True)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.usefixtures("_json_library")
async def test_an_instance_is_json_on_the_wire_and_an_instance_again(queen: Queen, queue_name: str, kind: str) -> None:
    model, instance, _ = KINDS[kind]
    await queen.queue(queue_name, model=model).push([{"data": instance, "transactionId": "order-1"}])
    [message] = await queen.queue(queue_name, model=model).pop()
    assert isinstance(message, Message)
    assert message.transaction_id == "order-1"
    assert message["data"] == models.wire(kind)
    assert message.data == instance
    assert type(message.data) is type(instance)
    assert message.data is message.data
    assert (await message.ack())["success"]


@pytest.mark.parametrize("kind", KINDS)
async def test_a_payload_that_does_not_fit_raises_when_it_is_read_and_no_sooner(
    queen: Queen, queue_name: str, kind: str
) -> None:
    model, instance, _ = KINDS[kind]
    wrong = {**models.wire(kind), "id": 5}
    await queen.queue(queue_name).push([{"data": wrong}, {"data": models.wire(kind)}])
    first, second = await queen.queue(queue_name, model=model).batch(2).pop()
    assert second.data == instance
    assert first["data"] == wrong
    for _ in range(2):
        with pytest.raises(PayloadError, match=f"does not fit {model.__name__}.*id") as caught:
            _ = first.data
    assert caught.value.model is model
    assert caught.value.reason in str(caught.value)
    assert caught.value.__cause__ is not None
    assert (await first.nack("no order", status="dlq"))["success"]


OTHERS: List[Any] = [None, [], "text", 5, {}, {"n": 1.5}, {"n": None}]


# Of pydantic's models only strict ones tell a number from its text.
@pytest.mark.parametrize(
    ("model", "payload"),
    [(Number, {"n": "1"}), *((model, payload) for payload in OTHERS for model in (Number, PydanticNumber))],
)
async def test_other_json_does_not_fit_either(queen: Queen, queue_name: str, model: Any, payload: Any) -> None:
    await queen.queue(queue_name).push([{"data": payload}])
    [message] = await queen.queue(queue_name, model=model).pop()
    with pytest.raises(PayloadError):
        _ = message.data


async def test_a_queue_without_a_model_gives_what_is_on_the_wire(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name, model=Number).push(Number(1))
    [message] = await queen.queue(queue_name).pop()
    assert type(message) is Message
    assert message.data == message["data"] == {"n": 1}


async def test_a_model_holds_for_all_queues_of_a_namespace(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name).namespace(queue_name).create()
    await queen.queue(queue_name, model=Number).push(Number(1))
    [message] = await queen.queue(model=Number).namespace(queue_name).pop()
    assert message.data == Number(1)


async def test_generic_models_say_of_what_they_are(queen: Queen, queue_name: str) -> None:
    queue = queen.queue(queue_name, model=Box[int])
    await queue.push(Box(1))
    await queen.queue(queue_name).push([{"data": {"content": "text"}}])
    fits, other = await queue.batch(2).pop()
    assert fits.data == Box(1)
    with pytest.raises(PayloadError, match="content"):
        _ = other.data


async def test_copies_of_a_message_are_typed_too(queen: Queen, queue_name: str) -> None:
    await queen.queue(queue_name, model=Number).push(Number(1))
    [message] = await queen.queue(queue_name, model=Number).pop()
    for copied in (copy.copy(message), copy.deepcopy(message), pickle.loads(pickle.dumps(message))):
        assert copied == message
        assert copied.data == Number(1)
    assert (await copy.copy(message).ack())["success"]


def test_a_reason_of_pydantic_is_short_and_shows_no_payload() -> None:
    from queen.payloads.models import codec_for

    with pytest.raises(PayloadError) as caught:
        codec_for(Numbers).decode({"numbers": ["secret"] * 9})
    assert caught.value.reason.startswith("numbers.0: Input should be a valid integer, ")
    assert caught.value.reason.endswith("(and 4 more)")
    assert "secret" not in str(caught.value)
    assert "http" not in str(caught.value)


class Numbers(pydantic.BaseModel):
    numbers: List[int]


@attrs.define
class Converted:
    word: str = attrs.field(converter=str.upper, validator=attrs.validators.max_len(3))


def test_validators_of_attrs_are_run_and_converters_are_not() -> None:
    from queen.payloads.models import codec_for

    codec = codec_for(Converted)
    assert codec.decode({"word": "low"}).word == "low"
    with pytest.raises(PayloadError, match="must be <= 3"):
        codec.decode({"word": "long"})


# What servers store: no U+0000, and no lone surrogates.
texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@settings(max_examples=60, deadline=None)
@given(
    st.builds(
        Order,
        id=st.uuids(),
        total=st.decimals(allow_nan=False, allow_infinity=False),
        placed=st.datetimes(timezones=st.just(models.PLACED.tzinfo)),
        items=st.lists(st.builds(models.Item, name=texts, color=st.sampled_from(models.Color)), max_size=3),
        stock=st.dictionaries(st.integers(-(2**63), 2**63 - 1), texts, max_size=3),
        note=st.none() | texts,
        size=st.tuples(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False, allow_infinity=False)),
        raw=st.binary(),
    )
)
def test_whatever_a_dataclass_holds_comes_back(order: Order) -> None:
    from queen.payloads.models import codec_for
    from queen.transport import codec

    typed = codec_for(Order)
    written = codec.encode(typed.encode("items[0]", order), operation="push")
    assert typed.decode(codec.decode(written)) == order


class Plain:
    """No model: nothing says what it is made of."""


@dataclasses.dataclass
class HoldsPlain:
    plain: List[Plain]


@dataclasses.dataclass
class NamesNothing:
    nothing: Nothing  # type: ignore[name-defined]  # noqa: F821


class PydanticNamesNothing(pydantic.BaseModel):
    nothing: Nothing  # type: ignore[name-defined]  # noqa: F821


class PydanticHoldsPlain(msgspec.Struct):
    number: PydanticNumber


@attrs.define
class PrivateInside:
    _n: int = 0


@attrs.define
class Private:
    inside: PrivateInside


@dataclasses.dataclass
class Ambiguous:
    either: Union[Number, Order]


@pytest.mark.parametrize(
    ("model", "words"),
    [
        (5, "model=5 is no model; accepted is a dataclass, an attrs class, a TypedDict"),
        (Number(1), "is no model"),
        (Plain, "is no model"),
        (int, "is no model"),
        (Dict[str, int], "is no model"),
        (HoldsPlain, "cannot be used: msgspec says TypeError: it can neither read nor write .*Plain"),
        (NamesNothing, "msgspec says NameError: name 'Nothing' is not defined"),
        (PydanticNamesNothing, "pydantic says"),
        (PydanticHoldsPlain, "it can neither read nor write .*PydanticNumber"),
        (Private, "leaves out private fields, as PrivateInside._n is one"),
        (Ambiguous, "may not contain more than one dataclass"),
    ],
)
async def test_what_is_no_model_is_refused_at_once(model: Any, words: str) -> None:
    async with Queen("http://127.0.0.1:1") as queen:
        with pytest.raises(TypeError, match=words):
            queen.queue("q", model=model)
        with pytest.raises(TypeError, match=words):
            queen.transaction().queue("q", model=model)


async def test_a_choice_for_misfits_is_checked() -> None:
    wrong: Any = "drop"
    async with Queen("http://127.0.0.1:1") as queen:
        with pytest.raises(ValueError, match="misfits='drop' is unknown; accepted are 'dead_letter', 'error'"):
            queen.queue("q", model=Number, misfits=wrong)
        with pytest.raises(TypeError, match="misfits needs a model"):
            queen.queue("q", misfits="error")  # type: ignore[call-overload]


@pytest.mark.parametrize(
    ("library", "model", "extra"),
    [("msgspec", "Number", r"queen-mq\[typed\]"), ("pydantic", "PydanticNumber", "pydantic>=2")],
)
async def test_a_missing_library_is_named(
    monkeypatch: pytest.MonkeyPatch, library: str, model: str, extra: str
) -> None:
    from queen.payloads import models as payload_models

    payload_models._codec.cache_clear()
    monkeypatch.setitem(sys.modules, library, None)
    monkeypatch.delitem(sys.modules, f"queen.payloads.{library}_models", raising=False)
    async with Queen("http://127.0.0.1:1") as queen:
        with pytest.raises(ConfigurationError, match=f"{model}.* needs {library}.*pip install .{extra}"):
            queen.queue("q", model=getattr(models, model))


def test_libraries_that_a_model_does_not_need_are_not_imported() -> None:
    program = """
import sys, dataclasses, queen, msgspec
assert not [name for name in sys.modules if name.startswith("queen.payloads") or name == "queen.typed_message"]
@dataclasses.dataclass
class Order: id: int
queen.Queen("http://127.0.0.1:1").queue("q", model=Order)
print("pydantic" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    assert done.stdout.strip() == "False"


async def test_a_model_whose_secrets_would_be_pushed_as_asterisks_is_refused() -> None:
    pydantic = pytest.importorskip("pydantic")

    class Account(pydantic.BaseModel):  # type: ignore[name-defined, misc]
        keys: List[pydantic.SecretStr]  # type: ignore[name-defined]

    class Written(Account):
        @pydantic.field_serializer("keys")  # type: ignore[untyped-decorator]
        def written(self, keys: List[Any]) -> List[str]:
            return [key.get_secret_value() for key in keys]

    async with Queen("memory://secrets") as queen:
        with pytest.raises(TypeError, match="asterisks in place of a secret"):
            queen.queue("q", model=Account)
        await queen.queue("q", model=Written).push([Written(keys=["k"])])
        [message] = await queen.queue("q", model=Written).pop()
    assert [key.get_secret_value() for key in message.data.keys] == ["k"]
