import { connect } from "node:net";

/** Whether something accepts TCP connections there, within `timeoutMs`; false too when the signal aborts. Sends nothing. */
export function tcpAnswers(host: string, port: number, timeoutMs: number, signal?: AbortSignal): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout: timeoutMs });
  const done = (answers: boolean) => {
    signal?.removeEventListener("abort", abort);
    socket.destroy();
    resolve(answers);
  };
  const abort = () => done(false);
  signal?.addEventListener("abort", abort, { once: true });
  socket.once("connect", () => done(true));
  socket.once("timeout", () => done(false));
  // Also after the end: a socket that was destroyed may still say that its connection failed.
  socket.on("error", () => done(false));
  return promise;
}
