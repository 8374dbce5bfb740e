/**
 * Recovering: the short loop that writes down what planRecovery decides, and tells it. What becomes of the agents follows from what is
 * written down: reconciliation starts and stops, the graph is made anew, all by later looks of whoever leads.
 *
 * F1 The supervisor hears of a failure before anything is done about it: a message on its supervision edge, sent before the commit.
 * F2 A decision and the values it moves are one fenced commit. Told twice it would be one event: the commit comes first, and a successor
 *    tells again what its predecessor may have died before telling; the stream keeps one of them.
 */
import { jsonBytes, type BatchWrite } from '@mabeam/bus';
import { edgeSubject, orchestratorName } from '@mabeam/agents';
import { freezeKey, planChanges } from '@mabeam/variables';
import { unreachedIn } from '../instances/partition.ts';
import { situationOf } from '../state/space-mirror.ts';
import { spaceRecordOf, wantedGraphOf } from '../state/space-state.ts';
import { orchestratorAuthor } from '../term/repair.ts';
import type { Term } from '../term/term.ts';
import { observedKey } from '@mabeam/cluster';
import { LostInstances } from './failures.ts';
import { agentsConcerned, planRecovery, type AgentRecovery, type RecoveryNews } from './plan-recovery.ts';
import { recoveryKey, type RecoveryRecord } from './recovery-record.ts';

/** How long a lease must be gone before its instance counts as lost: what a host writes comes in two streams. */
const lostPatienceMs = 200;

/** A host that goes takes many along: so many records are one commit. */
const commitTogether = 50;

/** The stream knows a repetition by its message id for two minutes. */
const toldAgainWithinMs = 100_000;

/** Recovers from failures, one look at a time, during a term. */
export class Recovery {
  readonly #term: Term;
  readonly #lost = new LostInstances();
  #hasToldAgain = false;

  constructor(term: Term) {
    this.#term = term;
  }

  /**
   * One look; true when it wrote something, or tried: then the situation is another. `lostAfter`, ms since the epoch: until then hosts
   * may still take their leases again.
   */
  async look(lostAfter: number): Promise<boolean> {
    if (!this.#hasToldAgain) await this.#tellAgain(this.#term.mirror.state.recoveries);
    const plan = this.#plan(lostAfter);
    for (let next = 0; next < plan.length; next += commitTogether)
      if (!(await this.#write(plan.slice(next, next + commitTogether)))) break;
    return plan.length > 0;
  }

  /** Takes a life for failed because somebody says so, unless it is recorded as that already; true when it is recorded then. */
  async report(agent: string, incarnation: string, reason: string): Promise<boolean> {
    const { mirror } = this.#term;
    if (mirror.recovery.isRecorded(agent, incarnation)) return true;
    const plan = this.#plan(0, new Map([[incarnation, reason]]));
    const mine = plan.find((each) => each.agent === agent);
    return mine !== undefined && (await this.#write([mine]));
  }

  #plan(lostAfter: number, reported?: ReadonlyMap<string, string>): readonly AgentRecovery[] {
    const { mirror } = this.#term;
    const { state } = mirror;
    const { leases, observed } = mirror;
    const now = Date.now();
    const patience = { now: performance.now(), patienceMs: Math.max(lostPatienceMs, lostAfter - now) };
    const lost = this.#lost.look(observed, leases, patience);
    const told = reported === undefined ? {} : { reported };
    const seen = { observed, lost, records: state.recoveries, now, ...told };
    if (agentsConcerned(seen).size === 0) return [];
    const { active, agents, desired } = situationOf(mirror);
    return planRecovery({
      ...seen,
      agents,
      active: new Set(active.map(({ spec }) => spec.id)),
      desired: new Set(desired.map(observedKey)),
      leases,
      space: spaceRecordOf(state),
      view: state.view,
    });
  }

  /** Does something have to be looked at again soon, though nothing changes? */
  get isWaiting(): boolean {
    return this.#lost.isWaiting;
  }

  /** One commit; false when somebody wrote first, or another leads. */
  async #write(recoveries: readonly AgentRecovery[]): Promise<boolean> {
    const { leadership, log, mirror } = this.#term;
    const news = recoveries.flatMap(({ agent, news: each }) => each.map((one) => ({ agent, one })));
    for (const { agent, one } of news) this.#notify(agent, one);
    const freezeRevision = mirror.revisionOf(freezeKey);
    const values = recoveries.flatMap((recovery) => this.#valueWrites(recovery));
    const records = recoveries.map(({ agent, expect, record }) => {
      return { key: recoveryKey(agent), body: record, expect };
    });
    const outcome = await leadership.commit([...values, ...records], { freezeRevision });
    if (outcome.kind !== 'committed') return false;
    await mirror.reach(outcome.revision);
    const told = news.map(({ agent, one }) => {
      const { body, incarnation, verb } = this.#telling(agent, one);
      const isGood = verb === 'recovered' || verb === 'rejoined';
      log[isGood ? 'info' : 'warn'](body, lineOf(agent, one));
      return this.#store(agent, verb, incarnation, body);
    });
    await Promise.all(told);
    return true;
  }

  #valueWrites({ agent, wishes }: AgentRecovery): readonly BatchWrite[] {
    if (wishes.length === 0) return [];
    const authorship = { by: orchestratorAuthor, cause: `failover of ${agent}`, at: new Date() };
    return planChanges(this.#term.mirror.state.view, wishes, authorship).writes;
  }

  /** F1; it may be lost, as all on such an edge. */
  #notify(agent: string, news: RecoveryNews): void {
    if (news.kind !== 'failed' || news.failure.supervisor === undefined) return;
    const { bus, subjects } = this.#term;
    const { supervisor, ...failure } = news.failure;
    const subject = edgeSubject(subjects, orchestratorName, supervisor, 'supervision');
    bus.publish(subject, { agent, ...failure }, { headers: { 'Content-Type': 'application/json' } });
  }

  /** F2. */
  async #tellAgain(records: ReadonlyMap<string, { readonly record: RecoveryRecord }>): Promise<void> {
    const since = Date.now() - toldAgainWithinMs;
    for (const [agent, { record }] of records) {
      const failures = record.failures.map((failure) => ({ kind: 'failed', failure }) as const);
      const { last } = record;
      const ends = last === undefined ? [] : [{ kind: 'recovered', recovered: last } as const];
      for (const each of [...failures, ...ends]) {
        const { at, body, incarnation, verb } = this.#telling(agent, each);
        if (Date.parse(at) > since) await this.#store(agent, verb, incarnation, body);
      }
    }
    this.#hasToldAgain = true;
  }

  #telling(agent: string, news: RecoveryNews): Telling {
    if (news.kind === 'failed') {
      const { failure } = news;
      return {
        verb: 'failed',
        incarnation: failure.incarnation,
        at: failure.at,
        body: { agent, ...failure },
      };
    }
    if (news.kind === 'recovered') {
      const { recovered } = news;
      const { at, incarnation, recoveryMs, successor } = recovered;
      const reason = `${successor} was ready after ${recoveryMs} ms`;
      return { verb: 'recovered', incarnation, at, body: { agent, ...recovered, reason } };
    }
    const { at, incarnation, kind } = news;
    const graph = wantedGraphOf(this.#term.mirror.state);
    const partitioned = graph === undefined ? [] : unreachedIn(graph);
    const body = { agent, incarnation, at, ...(partitioned.length === 0 ? {} : { partitioned }) };
    return { verb: kind, incarnation: `${incarnation}-${Date.parse(at)}`, at, body };
  }

  async #store(agent: string, verb: string, incarnation: string, body: object): Promise<void> {
    const { bus, subjects } = this.#term;
    const headers = { 'Content-Type': 'application/json' };
    const subject = subjects.event('recovery', agent, verb);
    await bus.store(subject, jsonBytes(body), { headers, messageId: `${incarnation}-recovery-${verb}` });
  }
}

interface Telling {
  readonly verb: RecoveryNews['kind'];
  /** What makes the telling unique among those of its verb. */
  readonly incarnation: string;
  readonly at: string;
  readonly body: object;
}

function lineOf(agent: string, news: RecoveryNews): string {
  switch (news.kind) {
    case 'failed': {
      const { failure } = news;
      return `${agent}.${failure.ordinal} has failed (${failure.reason}): ${failure.outcome}`;
    }
    case 'recovered':
      return `${agent}.${news.recovered.ordinal} has its replacement after ${news.recovered.recoveryMs} ms`;
    case 'absent':
      return `${agent} is down for long and leaves the graph`;
    case 'rejoined':
      return `${agent} is up again and back in the graph`;
  }
}
