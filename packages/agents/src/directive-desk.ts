/**
 * The directive desk of one member: judges a directive, carries it out, and answers.
 *
 * Invariants
 *  D1  A directive is carried out at most once for each id: a repetition, also while the first still runs, gets its answer.
 *  D2  What was rejected, or failed, was not carried out; sent again it is judged again.
 *  D3  Nothing is carried out for a sender without the right, nor on behalf of a leader that has been succeeded.
 *  D4  A directive that stands for a revision is answered from a state that is at least as new.
 */
import type { ServedRequest } from '@mabeam/bus';
import { valueKey } from '@mabeam/variables';
import { agentActions, parseDirective, type Directive, type DirectiveAnswer } from './directive.ts';
import type { Instance } from './context.ts';
import type { Premises } from './premises.ts';
import { directionProblem, orchestratorName, roleProblem } from './rights.ts';
import { roles } from './agent-spec.ts';
import { peersOf } from './wiring.ts';

/** What the desk may know of its member, and do to it. */
export interface DirectedMember {
  readonly instance: Instance;
  readonly premises: Premises;
  readonly config: Readonly<Record<string, unknown>>;
  /** Has it begun to stop? */
  readonly isStopping: boolean;
  /** Begins to stop. */
  beginStop(): void;
}

type Verdict = Pick<DirectiveAnswer, 'kind' | 'reason' | 'effective'>;

const rememberedIds = 256;
const revisionWaitMs = 5_000;
const marginMs = 100;

export class DirectiveDesk {
  readonly #member: DirectedMember;
  /** Answers by id, oldest first; at most `rememberedIds`. */
  readonly #answers = new Map<string, Promise<Verdict>>();
  #leaderRevision = 0;

  constructor(member: DirectedMember) {
    this.#member = member;
  }

  /** Answers a directive. Throws `unknown-verb`, `invalid-directive`, and the retryable `not-applied` when its revision does not come. */
  async answer(request: ServedRequest): Promise<DirectiveAnswer> {
    const directive = parseDirective(request.subject, request.body);
    const { agent, ordinal, incarnation } = this.#member.instance;
    const verdict = this.#refusal(directive) ?? (await this.#once(directive, request.remainingMs));
    return { ...verdict, agent, ordinal, incarnation };
  }

  /** D3, and what is meant for somebody else. */
  #refusal(directive: Directive): Verdict | undefined {
    const { premises, instance } = this.#member;
    const { from, to, leaderRevision, ordinal } = directive;
    const spec = premises.specs.of(from)?.spec;
    const problem = directionProblem({ from, to, spec, graph: premises.store.graph });
    if (problem !== undefined) return rejected('not-permitted', { problem });
    const seen = Math.max(this.#leaderRevision, premises.store.replica.revisionOf('leader'));
    if (leaderRevision < seen) return rejected('stale-leader', { leaderRevision: seen });
    // Only the orchestrator is the leader: a coordinator's word does not depose it.
    if (from === orchestratorName) this.#leaderRevision = leaderRevision;
    return ordinal === undefined || ordinal === instance.ordinal
      ? undefined
      : { kind: 'noop', reason: 'another-instance' };
  }

  /** D1, D2. */
  async #once(directive: Directive, remainingMs: number | undefined): Promise<Verdict> {
    const known = this.#answers.get(directive.id);
    if (known !== undefined) return known;
    const work = this.#carryOut(directive, remainingMs);
    this.#answers.set(directive.id, work);
    for (const id of this.#answers.keys()) {
      if (this.#answers.size <= rememberedIds) break;
      this.#answers.delete(id);
    }
    try {
      const verdict = await work;
      if (verdict.kind === 'rejected') this.#answers.delete(directive.id);
      return verdict;
    } catch (error) {
      this.#answers.delete(directive.id);
      throw error;
    }
  }

  async #carryOut(directive: Directive, remainingMs = revisionWaitMs): Promise<Verdict> {
    const { verb, revision } = directive;
    if (agentActions[verb] === 'member' && verb !== 'stop' && revision !== undefined) {
      // The answer must still reach the sender before its own deadline.
      const timeoutMs = Math.max(1, Math.min(revisionWaitMs, remainingMs - marginMs));
      await this.#member.premises.store.waitForRevision(revision, { timeoutMs });
    }
    switch (verb) {
      case 'stop':
        return this.#stop();
      case 'adjust-parameters':
        return this.#parameters(directive);
      case 'reconfigure':
        return this.#configuration(directive);
      case 'change-role':
        return this.#role(directive);
      case 'update-communication':
        return this.#communication(directive);
      case 'start':
      case 'migrate':
      case 'scale-up':
      case 'scale-down':
        return rejected('addressed-to-host');
    }
  }

  #stop(): Verdict {
    if (this.#member.isStopping) return { kind: 'noop', reason: 'stopping' };
    this.#member.beginStop();
    return { kind: 'applied' };
  }

  /** The values in force of the local variables named, or of all; the reason of one that is not. */
  #parameters({ parameters }: Directive): Verdict {
    const { instance, premises } = this.#member;
    const { variables, rejected: problems } = premises.store.view;
    const mine = [...variables.keys()].filter((id) => id.startsWith(`${instance.agent}.`));
    const named = Object.keys(parameters).map((name) => `${instance.agent}.${name}`);
    const unknown = named.find((id) => !variables.has(id));
    if (unknown !== undefined) return rejected('unknown-key', { key: unknown });
    const ids = named.length > 0 ? named : mine;
    const broken = ids.map((id) => problems.get(valueKey(id))).find((problem) => problem !== undefined);
    if (broken !== undefined) return rejected('constraint-violation', { problem: broken.message });
    const values = ids.map((id) => [id.slice(instance.agent.length + 1), variables.get(id)?.value]);
    return { kind: 'applied', effective: Object.fromEntries(values) };
  }

  #configuration({ parameters }: Directive): Verdict {
    const { config } = this.#member;
    const unknown = Object.keys(parameters).find((key) => !Object.hasOwn(config, key));
    return unknown === undefined
      ? { kind: 'applied', effective: config }
      : rejected('unknown-key', { key: unknown });
  }

  /** With a role wished for that it does not have: whether its definition could ever give it that. */
  #role({ parameters }: Directive): Verdict {
    const { instance, premises } = this.#member;
    const spec = premises.specs.of(instance.agent)?.spec;
    if (spec === undefined) return rejected('unknown-key', { key: 'role' });
    const { role } = spec;
    const wished = roles.find((each) => each === parameters['role']);
    if (parameters['role'] === undefined || wished === role) return { kind: 'applied', effective: { role } };
    if (wished === undefined) return rejected('unknown-role', { role });
    const problem = roleProblem(instance.agent, wished, premises.specs.all());
    return problem === undefined
      ? rejected('not-defined', { role })
      : rejected('last-coordinator', { role, problem });
  }

  /** `revision` is the epoch of the graph to go by; a newer one in force makes the directive stale. */
  #communication({ revision }: Directive): Verdict {
    const { instance, premises } = this.#member;
    const { graph } = premises.store;
    const effective = { epoch: graph?.revision ?? 0, peers: peersOf(graph, instance.agent) ?? null };
    const isStale = revision !== undefined && effective.epoch > revision;
    return isStale ? rejected('stale-epoch', effective) : { kind: 'applied', effective };
  }
}

function rejected(reason: string, effective?: Readonly<Record<string, unknown>>): Verdict {
  return effective === undefined ? { kind: 'rejected', reason } : { kind: 'rejected', reason, effective };
}
