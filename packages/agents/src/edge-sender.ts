/** The sender's end of an edge: admitted by the graph of the sender's snapshot, then sent as its kind promises. */
import { formatTraceparent, inSpan, jsonBytes } from '@mabeam/bus';
import { attributes } from '@mabeam/telemetry/api';
import type { SpaceView } from '@mabeam/variables';
import { context, trace } from '@opentelemetry/api';
import { assertHops, edgeHeaders, edgeSubject, type EdgeKind } from './edge.ts';
import { agentError } from './errors.ts';
import type { Premises } from './premises.ts';
import { directionProblem } from './rights.ts';
import { admit, isAdmitted } from './wiring.ts';

/** How a thing is sent along an edge. */
export interface SendOptions {
  /** How long to wait: for the answer on `command` (5 000), for the keeping on `data` (30 000). */
  readonly timeoutMs?: number;
  /** On `data`: kept once for each id inside two minutes. */
  readonly messageId?: string;
}

/** What has become of a thing when `send` resolves. */
export type SendResult =
  | { readonly kind: 'kept'; readonly sequence: number }
  | { readonly kind: 'answered'; readonly body: unknown }
  | { readonly kind: 'sent' };

/** Who sends, and by which state of the space. */
export interface Sender {
  readonly premises: Premises;
  readonly agent: string;
  readonly view: SpaceView;
  readonly hops: number;
  readonly conversation: string;
  readonly signal: AbortSignal;
}

export interface Sending {
  readonly to: string;
  readonly kind: EdgeKind;
  readonly body: unknown;
}

/** Sends along an edge; see `Ways.send`. */
export async function sendAlong(
  sender: Sender,
  sending: Sending,
  options: SendOptions = {},
): Promise<SendResult> {
  const { premises, agent, view, hops } = sender;
  const { to, kind, body } = sending;
  const subject = edgeSubject(premises.at, agent, to, kind);
  // Both sides of a coordination may begin it.
  const isBackward = kind === 'coordination' && isAdmitted(view.graph, to, agent, kind);
  if (!isBackward) admit(view.graph, agent, to, kind);
  assertHops(hops, agent, to);
  if (kind === 'data') return keep(sender, sending, subject, options);
  if (kind === 'command') return command(sender, sending, subject, options);
  premises.bus.publish(subject, body, { headers: headersOf(sender) });
  return { kind: 'sent' };
}

/** A thing is kept only for a receiver the space knows: nobody else will ever take it. */
async function keep(
  sender: Sender,
  { to, body }: Sending,
  subject: string,
  options: SendOptions,
): Promise<SendResult> {
  const { premises, agent, signal } = sender;
  if (premises.specs.of(to) === undefined) {
    const message = `${to} is not defined in the space ${premises.space}, so nothing is kept for it; define it, or ask it`;
    throw agentError('unknown-agent', message, { details: { agent: to, from: agent } });
  }
  const spanned = {
    [attributes.space]: premises.space,
    [attributes.agent]: agent,
    [attributes.messagingDestination]: subject,
  };
  return inSpan({ kind: 'producer', name: 'send edge.data', attributes: spanned }, async () => {
    const headers = headersOf(sender);
    const ack = await premises.bus.store(subject, jsonBytes(body), { ...options, headers, signal });
    return { kind: 'kept', sequence: ack.sequence } as const;
  });
}

async function command(
  sender: Sender,
  { to, body }: Sending,
  subject: string,
  options: SendOptions,
): Promise<SendResult> {
  const { premises, agent, view, signal, hops, conversation } = sender;
  const spec = premises.specs.of(agent)?.spec;
  const problem = directionProblem({ from: agent, to, spec, graph: view.graph });
  if (problem !== undefined) throw agentError('not-permitted', problem, { details: { from: agent, to } });
  const timeout = options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs };
  const answer = await premises.bus.request(subject, body, {
    ...timeout,
    from: agent,
    ...(view.graph === undefined ? {} : { epoch: view.graph.revision }),
    revision: view.revision,
    form: premises.specs.formOf(to),
    signal,
    hops,
    conversation,
  });
  return { kind: 'answered', body: answer };
}

function headersOf({ view, hops, conversation }: Sender): Record<string, string> {
  const span = trace.getSpanContext(context.active());
  return edgeHeaders({
    epoch: view.graph?.revision,
    revision: view.revision,
    hops,
    conversation,
    traceparent: span === undefined ? undefined : formatTraceparent(span),
  });
}
