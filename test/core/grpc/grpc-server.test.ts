import assert from "node:assert/strict";
import { once } from "node:events";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTcp } from "node:net";
import { describe, it } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { Client, type ClientDuplexStream, credentials, Metadata, type StatusObject, status } from "@grpc/grpc-js";
import { frameMessage } from "../../../core/grpc/framing.ts";
import type { GrpcCall } from "../../../core/grpc/grpc-call.ts";
import type { GrpcServerOptions } from "../../../core/grpc/grpc-server.ts";
import { GRPC_STATUS } from "../../../core/grpc/status.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { LoopTurn } from "../../../core/kernel/loop-turn.ts";
import { Outflow } from "../../../core/kernel/outflow.ts";
import { TimeSlice } from "../../../core/push/time-slice.ts";
import { GrpcListener } from "../../support/grpc-listener.ts";
import { until } from "../../support/until.ts";

const PATH = "/test.Echo/Stream";
const MAX_BYTES = 1024 * 1024;

/** A server with one method; each call and what it heard. */
class Echo implements AsyncDisposable {
  readonly calls: GrpcCall[] = [];
  readonly heard: string[] = [];
  readonly closed: string[] = [];
  listener!: GrpcListener;
  readonly #clients: Client[] = [];

  static async open(onMessage: (call: GrpcCall, message: Buffer) => void, options: Partial<GrpcServerOptions> = {}) {
    const echo = new Echo();
    const serve = (call: GrpcCall) => {
      echo.calls.push(call);
      return {
        onMessage(message: Buffer) {
          echo.heard.push(message.toString().slice(0, 40));
          onMessage(call, message);
        },
        onClosed: (reason: string) => void echo.closed.push(reason),
      };
    };
    const base = { methods: { [PATH]: serve }, clock: systemClock, maxMessageBytes: MAX_BYTES };
    echo.listener = await GrpcListener.open({ ...base, ...options });
    return echo;
  }

  /** A call by another implementation of gRPC. */
  call(path = PATH, metadata = new Metadata()) {
    const client = new Client(`127.0.0.1:${this.listener.port}`, credentials.createInsecure(), {
      "grpc.use_local_subchannel_pool": 1,
      "grpc.max_send_message_length": -1,
      "grpc.max_receive_message_length": -1,
    });
    this.#clients.push(client);
    const raw = (bytes: Buffer) => bytes;
    const stream: ClientDuplexStream<Buffer, Buffer> = client.makeBidiStreamRequest(path, raw, raw, metadata);
    const seen: string[] = [];
    stream.on("data", (bytes: Buffer) => void seen.push(bytes.toString()));
    stream.on("error", () => undefined);
    const ended = new Promise<StatusObject>((resolve) => stream.on("status", resolve));
    return { stream, seen, ended };
  }

  until(good: () => boolean): Promise<void> {
    return until(good, () => `heard ${this.heard.join()}, closed ${this.closed.join()}`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.close();
    this.listener[Symbol.dispose]();
  }
}

const nothing = () => undefined;

describe("a gRPC server, with the client of another implementation", () => {
  it("takes and sends messages of any size, also many at once", async () => {
    await using echo = await Echo.open((call, message) => call.send(Buffer.from(message), nothing));
    const { stream, seen, ended } = echo.call();
    const sent = [
      "",
      "a",
      "ä".repeat(20_000),
      "x".repeat(300_000),
      ...Array.from({ length: 200 }, (_, at) => `m${at}`),
    ];
    for (const text of sent) stream.write(Buffer.from(text));
    await echo.until(() => seen.length === sent.length);
    assert.deepEqual(seen, sent);
    stream.end();
    assert.equal((await ended).code, status.OK);
    assert.deepEqual(echo.closed, ["the proxy ended the stream"]);
  });

  it("ends behind a large message that it has begun to send", async () => {
    await using echo = await Echo.open((call) => {
      call.send(Buffer.alloc(300_000, "x"), nothing);
      call.end(GRPC_STATUS.unavailable, "enough");
    });
    const { stream, seen, ended } = echo.call();
    stream.write(Buffer.from("go"));
    const { code, details } = await ended;
    assert.deepEqual([code, details], [status.UNAVAILABLE, "enough"]);
    assert.deepEqual(seen, ["x".repeat(300_000)]);
  });

  it("hands over metadata, every value of it", async () => {
    await using echo = await Echo.open(nothing);
    const metadata = new Metadata();
    metadata.add("x-colour", "red");
    metadata.add("x-colour", "blue");
    echo.call(PATH, metadata).stream.write(Buffer.from("x"));
    await echo.until(() => echo.heard.length === 1);
    assert.deepEqual(echo.calls[0]?.metadata("x-colour"), ["red", "blue"]);
    assert.deepEqual(echo.calls[0]?.metadata("monomesh-health"), []);
  });

  it("ends a call with status, text and metadata, before and after a message", async () => {
    await using echo = await Echo.open((call, message) => {
      if (message.toString() === "answer") call.send(Buffer.from("yes"), nothing);
      call.end(GRPC_STATUS.unavailable, "später – 100 %", { "monomesh-code": "MM700" });
    });
    for (const [text, answers] of [
      ["answer", ["yes"]],
      ["end", []],
    ] as const) {
      const { stream, seen, ended } = echo.call();
      stream.write(Buffer.from(text));
      const { code, details, metadata } = await ended;
      assert.deepEqual(
        [code, details, metadata.get("monomesh-code")],
        [status.UNAVAILABLE, "später – 100 %", ["MM700"]],
      );
      assert.deepEqual(seen, answers);
    }
    await echo.until(() => echo.closed.length === 2);
  });

  it("refuses what it does not serve, and messages that are too large", async () => {
    await using echo = await Echo.open(nothing);
    const unknown = await echo.call("/test.Echo/Other").ended;
    assert.deepEqual([unknown.code, unknown.details], [status.UNIMPLEMENTED, "there is no method /test.Echo/Other"]);
    const { stream, ended } = echo.call();
    stream.write(Buffer.alloc(MAX_BYTES + 1));
    const large = await ended;
    assert.equal(large.code, status.RESOURCE_EXHAUSTED);
    assert.match(large.details, /larger than 1048576 bytes/);
    assert.deepEqual(echo.heard, []);
  });

  it("lets what one call was sent leave before the next is visited, without a turn of the event loop for each", async () => {
    const outflow = new Outflow();
    await using echo = await Echo.open(nothing, { outflow });
    const clients = Array.from({ length: 40 }, () => echo.call());
    for (const { stream } of clients) stream.write(Buffer.from("hello"));
    await echo.until(() => echo.heard.length === clients.length);
    let turns = 0;
    const count = () => {
      turns++;
      counting = setImmediate(count);
    };
    let counting = setImmediate(count);
    let busy = 0;
    await new TimeSlice(systemClock).each(echo.calls, outflow, (call) => {
      if (outflow.busy) busy++;
      call.send(Buffer.from("news"), nothing);
      return undefined;
    });
    clearImmediate(counting);
    assert.ok(turns < 10, `${turns} turns for ${clients.length} calls`);
    assert.ok(busy < 10, `${busy} visits before the last write had left`);
    await echo.until(() => clients.every(({ seen }) => seen.length === 1));
  });

  it("counts what its writes leave to Node as spent by who wrote", async () => {
    const turn = LoopTurn.of(systemClock);
    await using echo = await Echo.open(nothing);
    const { stream, seen } = echo.call();
    stream.write(Buffer.from("hello"));
    await echo.until(() => echo.calls.length === 1);
    const before = turn.owed;
    echo.calls[0]?.send(Buffer.alloc(150_000, "x"), nothing);
    await echo.until(() => seen.length === 1);
    const pieces = 10;
    const spent = turn.owed - before;
    assert.ok(spent > pieces * 0.01 && spent < pieces * 0.1, `${spent} ms`);
  });

  it("hands over nothing while the flow is stopped, and all of it afterwards, in order", async () => {
    await using echo = await Echo.open((call, message) => {
      if (message.toString() === "1") call.pause();
    });
    const { stream } = echo.call();
    for (const text of ["1", "2", "3"]) stream.write(Buffer.from(text));
    await echo.until(() => echo.heard.length === 1);
    await sleep(50);
    assert.deepEqual(echo.heard, ["1"]);
    echo.calls[0]?.resume();
    await echo.until(() => echo.heard.length === 3);
    assert.deepEqual(echo.heard, ["1", "2", "3"]);
  });
});

describe("a gRPC server, with clients that behave badly", () => {
  const open = (echo: Echo) => connect(`http://127.0.0.1:${echo.listener.port}`);
  const request = (session: ClientHttp2Session, headers: Record<string, string> = {}) =>
    session
      .request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc", te: "trailers", ...headers })
      .on("error", nothing);

  it("refuses compressed messages and what is no gRPC", async () => {
    await using echo = await Echo.open(nothing);
    const session = open(echo);
    const compressed = request(session);
    const message = frameMessage("x");
    message[0] = 1;
    compressed.write(message);
    const [headers] = await once(compressed, "response");
    assert.deepEqual([headers["grpc-status"], headers["grpc-message"]?.includes("compressed")], ["12", true]);
    const [plain] = await once(request(session, { "content-type": "application/json" }), "response");
    assert.equal(plain[":status"], 415);
    session.destroy();
  });

  it("sends a message of several chunks as one, also behind another", async () => {
    await using echo = await Echo.open((call) => {
      for (const size of [3, 20_000]) {
        call.send([Buffer.from("a"), Buffer.alloc(size, "b"), Buffer.from(""), Buffer.from("c")], nothing);
      }
    });
    const { stream, seen } = echo.call();
    stream.write(Buffer.from("x"));
    await echo.until(() => seen.length === 2);
    assert.deepEqual(
      seen,
      [3, 20_000].map((size) => `a${"b".repeat(size)}c`),
    );
  });

  it("says that a large message is taken when it is, a small one at once", async () => {
    await using echo = await Echo.open(nothing);
    const session = open(echo);
    const stream = request(session);
    stream.write(frameMessage("x"));
    await echo.until(() => echo.heard.length === 1);
    const taken: string[] = [];
    echo.calls[0]?.send(Buffer.from("small"), () => void taken.push("small"));
    assert.deepEqual(taken, ["small"]);
    echo.calls[0]?.send(Buffer.alloc(40 * 1024 * 1024), () => void taken.push("large"));
    await sleep(200);
    assert.deepEqual(taken, ["small"], "a client that does not read has not taken 40 MB");
    stream.resume();
    await echo.until(() => taken.length === 2);
    session.destroy();
  });

  it("notices that a client is gone, whether it says so or not", async () => {
    await using echo = await Echo.open(nothing);
    const session = open(echo);
    request(session).write(frameMessage("x"));
    request(session).end(frameMessage("y"));
    await echo.until(() => echo.heard.length === 2 && echo.closed.length === 1);
    session.destroy();
    await echo.until(() => echo.closed.length === 2);
    assert.deepEqual(echo.closed, ["the proxy ended the stream", "the connection ended"]);
  });

  it("cuts off a client that does not let go of a call that was ended", { timeout: 20_000 }, async () => {
    await using echo = await Echo.open((call) => call.end(GRPC_STATUS.unknown, "no"));
    const session = open(echo);
    session.on("error", nothing);
    request(session).write(frameMessage("x"));
    const startedAt = Date.now();
    await once(session, "close");
    assert.ok(Date.now() - startedAt > 4500);
  });

  it("asks whoever is silent, and breaks with whoever does not answer", async () => {
    await using echo = await Echo.open(nothing, { keepalive: { silenceMs: 600, lostMs: 1500 } });
    const session = open(echo);
    let pings = 0;
    session.on("ping", () => void pings++);
    request(session).write(frameMessage("x"));
    const deaf = connectTcp(echo.listener.port, "127.0.0.1").on("error", nothing);
    deaf.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0");
    deaf.resume();
    await once(deaf, "close");
    await sleep(1000);
    assert.equal(session.destroyed, false);
    assert.ok(pings > 0);
    session.destroy();
  });

  it("does not ask who speaks by itself", async () => {
    await using echo = await Echo.open(nothing, { keepalive: { silenceMs: 600, lostMs: 1500 } });
    const session = open(echo);
    let pings = 0;
    session.on("ping", () => void pings++);
    for (let i = 0; i < 10; i++) {
      session.ping(nothing);
      await sleep(250);
    }
    assert.deepEqual([pings, session.destroyed], [0, false]);
    session.destroy();
  });
});
