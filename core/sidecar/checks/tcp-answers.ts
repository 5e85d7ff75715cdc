import { connect } from "node:net";

/** Whether something accepts TCP connections there, within `timeoutMs`. Sends nothing. */
export function tcpAnswers(host: string, port: number, timeoutMs: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = connect({ host, port, timeout: timeoutMs });
  const done = (answers: boolean) => {
    socket.destroy();
    resolve(answers);
  };
  socket.once("connect", () => done(true));
  socket.once("timeout", () => done(false));
  socket.once("error", () => done(false));
  return promise;
}
