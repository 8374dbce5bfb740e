/** An OTLP/HTTP receiver for tests: decodes with protobufjs, can be unwilling, stopped and started again on its port. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { once } from 'node:events';
import { decodeSpans } from './otlp-proto.ts';

export class OtlpReceiver implements AsyncDisposable {
  /** The ids of the spans taken, in the order they came, doubles included. */
  readonly spanIds: string[] = [];
  /** What requests carried in the header `x-key`. */
  readonly keys: unknown[] = [];
  /** The bodies of JSON requests taken. */
  readonly json: string[] = [];
  /** Requests answered, whatever the answer. */
  requests = 0;
  /** Decides the answer: a status, or undefined to take the request. */
  refuse: (body: Uint8Array) => { readonly status: number; readonly retryAfter?: string } | undefined = () =>
    undefined;
  #server: Server | undefined;
  #port = 0;

  get url(): string {
    return `http://127.0.0.1:${this.#port}`;
  }

  /** Starts listening, on the same port as before if there was one. */
  async start(): Promise<void> {
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.listen(this.#port, '127.0.0.1');
    await once(this.#server, 'listening');
    const address = this.#server.address();
    if (address !== null && typeof address === 'object') this.#port = address.port;
  }

  /** Stops as a killed receiver does: connections are cut. */
  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined) return;
    server.closeAllConnections();
    server.close();
    await once(server, 'close');
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) if (chunk instanceof Buffer) chunks.push(chunk);
    const body = Buffer.concat(chunks);
    this.requests += 1;
    const refusal = request.url === '/v1/traces' ? this.refuse(body) : { status: 404 };
    if (refusal !== undefined) {
      const headers = refusal.retryAfter === undefined ? {} : { 'retry-after': refusal.retryAfter };
      response.writeHead(refusal.status, headers).end();
      return;
    }
    if (request.headers['content-type'] === 'application/json') {
      this.json.push(body.toString());
      response.writeHead(200).end();
      return;
    }
    const spans = decodeSpans(body);
    this.spanIds.push(...spans.map(({ spanId }) => spanId));
    this.keys.push(request.headers['x-key']);
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  }
}
