/**
 * Directives under way: starts and stops asked of nodes, and what has not been seen of them yet.
 *
 * I1 An instance has at most one directive under way: until it is answered, and then until its effect is seen in the leases
 *    or the time for that is up. So a round that looks again meanwhile does not ask twice.
 * I2 A directive carries the revision of the leader; a node that has seen a newer leader refuses it.
 * I3 No failure is final: it is logged, rests a moment, and the next round decides anew from what is then the case.
 */
import { context, SpanStatusCode, trace } from '@opentelemetry/api';
import { contextFrom, MabeamError } from '@mabeam/bus';
import {
  observedKey,
  orderStart,
  orderStop,
  type InstanceId,
  type NodeReply,
  type ObservedInstance,
} from '@mabeam/cluster';
import { attributes } from '@mabeam/telemetry/api';
import type { Action, InstanceLease, InstanceUnderway } from './reconcile.ts';
import type { Term } from '../term/term.ts';

interface Underway extends InstanceId {
  readonly kind: Action['kind'];
  readonly node: string;
  /** Undefined while the node has not answered. */
  readonly until?: number;
}

const deadlineMs = 5_000;
/** How long after its answer a directive may take to show in the leases. */
const effectMs = 2_000;
const restAfterFailureMs = 1_000;

export class Directives {
  readonly #term: Term;
  readonly #underway = new Map<string, Underway>();

  constructor(term: Term) {
    this.#term = term;
  }

  /** The instances a directive is under way for (I1), as of what is seen now. */
  underway(
    leases: readonly InstanceLease[],
    observed: readonly ObservedInstance[],
    now: number,
  ): readonly InstanceUnderway[] {
    if (this.#underway.size === 0) return [];
    const leaseOf = new Map(leases.map((lease) => [observedKey(lease), lease]));
    const stopping = new Set(
      observed.filter(({ status }) => status === 'stopping').map(({ incarnation }) => incarnation),
    );
    for (const [key, directive] of this.#underway) {
      if (directive.until === undefined) continue;
      const lease = leaseOf.get(key);
      const isStopping = lease !== undefined && stopping.has(lease.incarnation);
      const isSeen = directive.kind === 'start' ? lease !== undefined : lease === undefined || isStopping;
      if (isSeen || now >= directive.until) this.#underway.delete(key);
    }
    return [...this.#underway.values()];
  }

  /** Sends a directive; what becomes of it is seen in the leases. `traceparent` is what it is done for. */
  issue(action: Action, traceparent: string | undefined): void {
    const { agent, ordinal, kind, node } = action;
    const key = observedKey(action);
    this.#underway.set(key, { agent, ordinal, kind, node });
    void this.#perform(action, traceparent).then((waitMs) => {
      this.#underway.set(key, { agent, ordinal, kind, node, until: Date.now() + waitMs });
    });
  }

  /** Performs inside a span; resolves with how long to wait for the effect, or to rest. */
  async #perform(action: Action, traceparent: string | undefined): Promise<number> {
    const { leadership, log, space } = this.#term;
    const about = { agent: action.agent, ordinal: action.ordinal, node: action.node, reason: action.reason };
    const parent = contextFrom(traceparent);
    const span = trace.getTracer('@mabeam/orchestrator').startSpan(
      `directive ${action.kind}`,
      {
        attributes: {
          [attributes.alwaysSample]: true,
          [attributes.space]: space,
          [attributes.instance]: observedKey(action),
          [attributes.agent]: action.agent,
          [attributes.node]: action.node,
        },
      },
      parent,
    );
    try {
      const given = await context.with(trace.setSpan(parent, span), () => this.#ask(action));
      span.setAttribute('mabeam.directive.outcome', given.kind);
      if (given.kind !== 'rejected') {
        log.info({ ...about, outcome: given.kind }, `${action.kind} ${observedKey(action)}`);
        return effectMs;
      }
      log.warn(
        { ...about, refusal: given.reason },
        `the node refused to ${action.kind} ${observedKey(action)}`,
      );
      span.setStatus({ code: SpanStatusCode.ERROR, message: given.reason ?? 'refused' });
      if (given.reason === 'stale-leader') await leadership.confirm();
      return restAfterFailureMs;
    } catch (error) {
      if (this.#term.signal.aborted) return restAfterFailureMs;
      const message = error instanceof Error ? error.message : String(error);
      const code = error instanceof MabeamError ? error.code : 'error';
      // A node that has just begun, or has just gone, is not worth an alarm: the next round tries again or places elsewhere.
      const level = code === 'no-responders' ? 'info' : 'warn';
      log[level]({ ...about, code }, `could not ${action.kind} ${observedKey(action)}: ${message}`);
      span.setStatus({ code: SpanStatusCode.ERROR, message });
      return restAfterFailureMs;
    } finally {
      span.end();
    }
  }

  #ask(action: Action): Promise<NodeReply> {
    const { bus, leadership, signal, space } = this.#term;
    const { agent, node, ordinal } = action;
    const instance = { space, agent, ordinal, leaderRevision: leadership.revision };
    const options = { timeoutMs: deadlineMs, signal };
    if (action.kind === 'stop') {
      const { incarnation } = action;
      const life = incarnation === undefined ? {} : { incarnation };
      return orderStop(bus, node, { ...instance, ...life }, options);
    }
    const { definitionRevision, spec } = action.instance;
    const { restarts } = action;
    const how = restarts === undefined ? {} : { restarts };
    return orderStart(bus, node, { ...instance, spec, definitionRevision, ...how }, options);
  }
}
