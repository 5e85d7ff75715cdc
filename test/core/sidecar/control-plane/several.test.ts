import assert from "node:assert/strict";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { describe, it } from "node:test";
import { eventually } from "../../../../cmd/demo/eventually.ts";
import { silentLogger } from "../../../../core/kernel/log.ts";
import { ControlPlaneLink } from "../../../../core/sidecar/control-plane/control-plane-link.ts";
import { parseAddresses, type Resolve, Targets } from "../../../../core/sidecar/control-plane/targets.ts";
import { openTokenSource } from "../../../../core/sidecar/control-plane/token-source.ts";
import { TEST_CERT, TEST_KEY } from "../tls-control-plane.ts";
import { unsignedToken } from "../unsigned-token.ts";

interface TestPlane extends AsyncDisposable {
  readonly port: number;
  /** TLS connections so far. */
  connections(): number;
}

/** A server that answers with its name, on one of the loopback addresses. */
async function serve(name: string, host = "127.0.0.1", port = 0): Promise<TestPlane> {
  let connections = 0;
  const server: Server = createServer({ cert: TEST_CERT, key: TEST_KEY }, (request, response) => {
    request.resume();
    request.on("end", () => response.end(name));
  });
  server.on("secureConnection", () => connections++);
  await new Promise<void>((resolve) => server.listen(port, host, resolve));
  return {
    connections: () => connections,
    port: (server.address() as AddressInfo).port,
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      if (server.listening) await new Promise((resolve) => server.close(resolve));
    },
  };
}

async function openLink(address: string, resolve?: Resolve): Promise<ControlPlaneLink> {
  const token = await openTokenSource({ token: unsignedToken({ Name: "a" }), file: "" }, silentLogger);
  return new ControlPlaneLink({ address, name: "a", caCert: TEST_CERT, skipVerify: false, token, resolve });
}

const post = async (link: ControlPlaneLink) => (await link.post("/x", {}, 2000, AbortSignal.timeout(10_000))).body;

describe("several control planes", () => {
  it("are used one at a time; the next one when that fails, and the answer still comes", async () => {
    const servers = [await serve("one"), await serve("two"), await serve("three")];
    const link = await openLink(servers.map(({ port }) => `https://127.0.0.1:${port}`).join(","));
    const left = new Map(["one", "two", "three"].map((name, at) => [name, servers[at]]));
    const order: string[] = [];
    while (left.size > 0) {
      const name = await post(link);
      assert.equal(await post(link), name, "the same as long as it answers");
      order.push(name);
      await left.get(name)?.[Symbol.asyncDispose]();
      left.delete(name);
    }
    assert.deepEqual(order.sort(), ["one", "three", "two"]);
    await assert.rejects(post(link), { code: "ECONNREFUSED" });
    const fresh = await openLink(link.address);
    await assert.rejects(post(fresh), { code: "MM120", message: "none of the 3 control planes can be used" });
  });

  it("one that was recognised ahead costs a single connection", async () => {
    await using one = await serve("one");
    await using two = await serve("two");
    const link = await openLink(`https://127.0.0.1:${one.port},https://127.0.0.1:${two.port}`);
    const first = await post(link);
    const [used, other] = first === "one" ? [one, two] : [two, one];
    await link.prepare(AbortSignal.timeout(5000));
    // One handshake to look, one to prove it; the server counts the second a moment later.
    await eventually(
      () => Promise.resolve(other.connections()),
      (count) => count === 2,
    );
    await used[Symbol.asyncDispose]();
    assert.notEqual(await post(link), first);
    assert.equal(other.connections(), 3);
  });

  it("one that comes back is found again", async () => {
    await using one = await serve("one");
    const two = await serve("two");
    const link = await openLink(`https://127.0.0.1:${one.port},https://127.0.0.1:${two.port}`);
    const first = await post(link);
    const { port } = first === "one" ? one : two;
    await (first === "one" ? one : two)[Symbol.asyncDispose]();
    const second = await post(link);
    assert.notEqual(second, first);
    await using _again = await serve(`${first} again`, "127.0.0.1", port);
    await (second === "one" ? one : two)[Symbol.asyncDispose]();
    assert.equal(await post(link), `${first} again`);
  });

  it("may be the records of one name, each verified by that name", async () => {
    await using one = await serve("one", "127.0.0.1");
    await using two = await serve("two", "127.0.0.2", one.port);
    const link = await openLink(`https://localhost:${one.port}`, async () => [
      { address: "127.0.0.1", family: 4 },
      { address: "127.0.0.2", family: 4 },
    ]);
    const first = await post(link);
    assert.equal(link.several, true);
    await (first === "one" ? one : two)[Symbol.asyncDispose]();
    assert.equal(await post(link), first === "one" ? "two" : "one");
  });

  it("one that is not trusted is passed over", async () => {
    await using good = await serve("good");
    // Its certificate names 127.0.0.1 only.
    await using _stranger = await serve("stranger", "127.0.0.2", good.port);
    const link = await openLink(`https://127.0.0.2:${good.port},https://127.0.0.1:${good.port}`);
    assert.equal(await post(link), "good");
  });

  it("share their sidecars: each sidecar begins at one that its name chooses", async () => {
    const addresses = parseAddresses("https://10.0.0.1:5678, https://10.0.0.2:5678");
    const firsts = await Promise.all(
      Array.from({ length: 40 }, async (_, at) => (await new Targets(addresses, `web-${at}`).current()).address.host),
    );
    const count = firsts.filter((host) => host === "10.0.0.1").length;
    assert.ok(count > 8 && count < 32, `${count} of 40 begin at the first`);
    assert.equal((await new Targets(addresses, "web-7").current()).address.host, firsts[7]);
  });

  it("an address that is no https URL is refused before anything is sent", () => {
    assert.throws(() => parseAddresses("https://a:1,http://b:2"), {
      code: "MM100",
      message: /http:\/\/b:2 is not https/,
    });
    assert.throws(() => parseAddresses(""), { code: "MM100" });
  });
});
