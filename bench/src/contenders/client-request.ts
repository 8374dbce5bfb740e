/** Baselines: `nc.request` of @nats-io/transport-node, as it comes and without its stack traces. No schema, no codec. */
import { connect } from '@nats-io/transport-node';
import { bareBody, bareSubject, type Asker, type Contender } from './contender.ts';
import { openResponder } from './multiplexer.ts';

function clientRequest(options: { readonly noAsyncTraces?: true }): Contender {
  return {
    openAsker: async (meeting): Promise<Asker> => {
      const connection = await connect({ servers: meeting.url, ...options });
      const subject = bareSubject(meeting);
      return { ask: () => connection.request(subject, bareBody, { timeout: 5_000 }) };
    },
    openResponder,
  };
}

/** The client with its defaults. */
export const defaults = clientRequest({});

/** The client with `noAsyncTraces`. */
export const withoutTraces = clientRequest({ noAsyncTraces: true });
