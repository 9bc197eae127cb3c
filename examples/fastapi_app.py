"""A FastAPI service with a consumer in its lifespan, and endpoints that tell how both are.

`/livez` is for liveness: 503 when the consumer has ended, or has not polled for too long. `/healthz` is for readiness:
503 then too, and while a server is not well. Run it by `uvicorn examples.fastapi_app:app`, with `QUEEN_URL` for a
server.
"""

from __future__ import annotations

import argparse
import asyncio
import os
from contextlib import asynccontextmanager
from typing import Any, AsyncIterator, Dict, List

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel

from queen import ConsumerHandle, Message, Queen

# A long poll is answered after 30 seconds, and a handler is allowed as long again.
LONGEST_SILENCE_SECONDS = 60.0


class Order(BaseModel):
    id: int
    item: str


def polls(consumer: ConsumerHandle) -> bool:
    """Whether a consumer runs, and has polled of late."""
    return consumer.running and consumer.seconds_since_poll <= LONGEST_SILENCE_SECONDS


def create_app(url: str) -> FastAPI:
    billed: List[int] = []

    async def bill(message: Message[Order]) -> None:
        billed.append(message.data.id)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[Dict[str, Any]]:
        async with Queen(url) as queen:
            orders = queen.queue("orders", model=Order)
            async with orders.group("billing").consume(bill).start() as consumer:
                yield {"queen": queen, "orders": orders, "consumer": consumer}

    app = FastAPI(lifespan=lifespan)

    @app.post("/orders", status_code=202)
    async def accept(order: Order, request: Request) -> Dict[str, str]:
        [result] = await request.state.orders.push([{"data": order, "transactionId": f"order-{order.id}"}])
        return {"status": result["status"]}

    @app.get("/billed")
    async def list_billed() -> List[int]:
        return billed

    @app.get("/healthz")
    async def healthz(request: Request, response: Response) -> Dict[str, Any]:
        consumer = request.state.consumer
        servers = await request.state.queen.health(timeout_millis=1000)
        if not polls(consumer) or not all(server["healthy"] for server in servers):
            response.status_code = 503
        return {"servers": servers, "consumer": consumer.status()}

    @app.get("/livez")
    async def livez(request: Request, response: Response) -> Dict[str, Any]:
        consumer = request.state.consumer
        if not polls(consumer):
            response.status_code = 503
        status: Dict[str, Any] = consumer.status()
        return status

    return app


app = create_app(os.environ.get("QUEEN_URL", "memory://shop"))


async def main(url: str) -> None:
    """What clients of the service see, without a socket."""
    import httpx

    service = create_app(url)
    async with service.router.lifespan_context(service) as state:

        async def served(scope: Any, receive: Any, send: Any) -> None:
            await service({**scope, "state": dict(state)}, receive, send)

        transport = httpx.ASGITransport(app=served)
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            print((await client.post("/orders", json={"id": 1, "item": "teapot"})).json())
            while not (await client.get("/billed")).json():  # noqa: ASYNC110  (a client of HTTP gets no events)
                await asyncio.sleep(0.01)
            health = await client.get("/healthz")
            print(health.status_code, "handled:", health.json()["consumer"]["handled"])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--url", default="memory://shop", help="a Queen server; the embedded broker by default")
    asyncio.run(main(parser.parse_args().url))
