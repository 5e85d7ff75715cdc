import assert from "node:assert/strict";
import { once } from "node:events";
import { connect as connectPlain, type Socket } from "node:net";
import { test } from "node:test";
import { connect, type TLSSocket } from "node:tls";
import { openTlsPort } from "../../../core/dp-server/tls-port.ts";
import { silentLogger } from "../../../core/kernel/log.ts";
import { Newcomers } from "../../../core/kernel/newcomers.ts";
import { Scope } from "../../../core/kernel/scope.ts";
import { Turns } from "../../../core/kernel/turns.ts";
import { ManualClock } from "../../support/manual-clock.ts";
import { until } from "../../support/until.ts";
import { makeCa, makeServer } from "../ca/fixtures.ts";

const CLIENTS = 150;
/** What taking one connection apart costs, by the clock of the test; milliseconds. */
const COST_MS = 2;

for (const how of ["end", "reset"] as const) {
  test(`connections that ${how} all at once are taken apart over several turns of the event loop`, async (t) => {
    const clock = new ManualClock();
    const scope = new Scope("test");
    t.after(() => scope.close());
    const served: TLSSocket[] = [];
    let ended = 0;
    let endedInTurn = 0;
    let most = 0;
    const noteEnd = () => {
      clock.freeze(COST_MS);
      ended++;
      most = Math.max(most, ++endedInTurn);
    };
    const { port } = await openTlsPort({
      host: "127.0.0.1",
      port: 0,
      identity: makeServer(makeCa()),
      scope,
      clock,
      log: silentLogger,
      turns: new Turns(clock),
      newcomers: new Newcomers(clock),
      onHttp1(socket) {
        served.push(socket.once(how === "end" ? "end" : "error", noteEnd).resume());
      },
      onHttp2: () => undefined,
    });
    const clients: Socket[] = [];
    for (let at = 0; at < CLIENTS; at++) {
      const socket = connectPlain(port, "127.0.0.1");
      const client = connect({ socket, rejectUnauthorized: false, ALPNProtocols: ["http/1.1"] });
      client.on("error", () => undefined);
      await once(client, "secureConnect");
      clients.push(socket);
    }
    await until(
      () => served.length === CLIENTS,
      () => `${served.length} of ${CLIENTS} are served`,
    );
    let counting = true;
    const countTurns = () => {
      endedInTurn = 0;
      if (counting) setImmediate(countTurns);
    };
    countTurns();
    for (const client of clients) {
      if (how === "end") client.destroy();
      else client.resetAndDestroy();
    }
    await until(
      () => ended === CLIENTS,
      () => `${ended} of ${CLIENTS} have ended`,
    );
    counting = false;
    // All at once without the groups: the clients close in one turn, and the next one reads that.
    assert.ok(most <= 50, `${most} in one turn`);
  });
}
