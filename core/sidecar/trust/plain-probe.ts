import { connect } from "node:net";
import type { ControlPlaneAddress } from "./address.ts";

/** What answers at an address without TLS. `closed` also stands for "no answer in time". */
export type PlainAnswer = "control-plane-api" | "http" | "other" | "closed";

const MAX_ANSWER = 4096;

/** Asks `GET /` in plain HTTP, as kumactl does to find out what a server is (contract, section 7). Never rejects. */
export function probePlain(address: ControlPlaneAddress, timeoutMs: number): Promise<PlainAnswer> {
  return new Promise((resolve) => {
    let answer = "";
    let connected = false;
    const socket = connect({ host: address.host, port: address.port });
    const finish = () => {
      clearTimeout(timer);
      socket.destroy();
      if (!connected) resolve("closed");
      else if (!answer.startsWith("HTTP/")) resolve("other");
      else resolve(/"product"\s*:\s*"Kuma"/.test(answer) ? "control-plane-api" : "http");
    };
    const timer = setTimeout(finish, timeoutMs);
    socket.setEncoding("latin1");
    socket.once("connect", () => {
      connected = true;
      socket.write(`GET / HTTP/1.1\r\nhost: ${address.text}\r\naccept: application/json\r\nconnection: close\r\n\r\n`);
    });
    socket.on("data", (part: string) => {
      answer += part;
      if (answer.length > MAX_ANSWER) finish();
    });
    socket.once("end", finish);
    socket.on("error", finish);
  });
}
