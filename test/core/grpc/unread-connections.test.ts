import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { test } from "node:test";
import { createServer, type TLSSocket } from "node:tls";
import { frameMessage } from "../../../core/grpc/framing.ts";
import type { GrpcCall } from "../../../core/grpc/grpc-call.ts";
import { GrpcServer } from "../../../core/grpc/grpc-server.ts";
import { systemClock } from "../../../core/kernel/clock.ts";
import { Outflow } from "../../../core/kernel/outflow.ts";
import { TimeSlice } from "../../../core/push/time-slice.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";

const PATH = "/test.Echo/Stream";
const CLIENTS = 60;
const fixture = (name: string) => readFileSync(join(import.meta.dirname, "../sidecar/fixtures", name));
const IDENTITY = { cert: fixture("cert.pem"), key: fixture("key.pem") };

/** A server with TLS, as sidecars meet it, and clients that answer each message. */
class Crowd implements AsyncDisposable {
  readonly outflow = new Outflow();
  readonly calls: GrpcCall[] = [];
  readonly clients: ClientHttp2Session[] = [];
  heard = 0;
  readonly #grpc = new GrpcServer({
    clock: systemClock,
    maxMessageBytes: 1000,
    outflow: this.outflow,
    methods: {
      [PATH]: (call) => {
        this.calls.push(call);
        return { onMessage: () => void this.heard++, onClosed: () => undefined };
      },
    },
  });
  readonly #sockets: TLSSocket[] = [];
  readonly #server = createServer({ ...IDENTITY, ALPNProtocols: ["h2"] }, (socket) => {
    this.#sockets.push(socket);
    this.#grpc.accept(socket);
  });

  static async open(): Promise<Crowd> {
    const crowd = new Crowd();
    await new Promise<void>((resolve) => crowd.#server.listen(0, "127.0.0.1", resolve));
    const { port } = crowd.#server.address() as AddressInfo;
    for (let at = 0; at < CLIENTS; at++) {
      const client = connect(`https://127.0.0.1:${port}`, { rejectUnauthorized: false }).on("error", () => undefined);
      crowd.clients.push(client);
      const stream = client.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" });
      stream.on("error", () => undefined).on("data", () => void stream.write(frameMessage("answer")));
      stream.write(frameMessage("hello"));
    }
    await crowd.until(() => crowd.heard === CLIENTS);
    crowd.heard = 0;
    return crowd;
  }

  /** Sends to all, some in each turn of the event loop; returns how many connections were read until that was done. */
  async tellAll(answersWait: boolean, msEach = 4): Promise<number> {
    const clock = new ManualClock();
    const tell = (call: GrpcCall) => {
      clock.freeze(msEach);
      call.send(Buffer.from("news"), () => undefined);
      return undefined;
    };
    const bytes = this.#sockets.map(({ bytesRead }) => bytesRead);
    await new TimeSlice(clock).each(this.calls, this.outflow, tell, answersWait);
    return this.#sockets.filter(({ bytesRead }, at) => bytesRead !== bytes[at]).length;
  }

  until(good: () => boolean): Promise<void> {
    return until(good, () => `${this.heard} messages were heard`);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.clients) client.destroy();
    this.#grpc.close();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}

test("answers to a push of several turns are read when all is written, if the push says so", async () => {
  await using crowd = await Crowd.open();
  const readAtOnce = await crowd.tellAll(false);
  assert.ok(readAtOnce > CLIENTS / 2, `${readAtOnce} answers were read in between`);
  await crowd.until(() => crowd.heard === CLIENTS);
  crowd.heard = 0;
  const readBefore = await crowd.tellAll(true);
  // What the last one of each turn was sent has not left when the turn ends, and then Node itself goes on reading.
  assert.ok(readBefore < CLIENTS / 6, `${readBefore} answers were read in between`);
  await crowd.until(() => crowd.heard === CLIENTS);
});

test("a push that takes very long reads them all the same", async () => {
  await using crowd = await Crowd.open();
  const read = await crowd.tellAll(true, 20);
  assert.ok(read > CLIENTS / 3, `${read} answers were read in between`);
});

test("a connection that ends while it is left unread harms nobody", async () => {
  await using crowd = await Crowd.open();
  const telling = crowd.tellAll(true);
  for (const client of crowd.clients.slice(0, 5)) client.destroy();
  await telling;
  await crowd.until(() => crowd.heard >= CLIENTS - 5);
});
