/**
 * `coordinateHierarchy`: the conductor's end. Has a coordinator divide a plan's tasks among its subordinates, offers them,
 * has the refused ones divided anew, lets all begin, and carries what they report upwards.
 *
 * Invariants
 *  K1  A task is begun by one party: the word to begin goes out once everything is accepted, to those whose acceptance is in the
 *      record; an acceptance that was never heard is worth nothing.
 *  K2  What is decided is written before anybody is asked on the strength of it. Whoever goes on with the round – a deputy, or
 *      another conductor – goes on from there, and what was accepted stays.
 *  K3  Only subordinates are given tasks, and only such as they can do: an answer that says otherwise makes its coordinator unfit,
 *      and the next deputy takes over.
 */
import type { Bus } from '@mabeam/bus';
import { coordinationError } from '../errors.ts';
import { holdRound } from '../session/hold-round.ts';
import { newRoundId } from '../session/round.ts';
import { Session, type Participant, type ReadAnswer } from '../session/session.ts';
import {
  beginAnswerSchema,
  divisionSchema,
  hierarchyProtocol,
  offerAnswerSchema,
  type PlanRecord,
  type Report,
} from './messages.ts';
import {
  assertPlan,
  orderTasks,
  superiorsOf,
  wrongAssignment,
  type Assignment,
  type CoordinationPlan,
  type PlanTask,
  type Subordinate,
} from './plan.ts';
import { openRecord, writeRecord, type KeptRecord } from './record.ts';

/** Who takes part, and what for. */
export interface HierarchyOptions {
  readonly coordinator: string;
  /** Who takes over, in this order. */
  readonly deputies?: readonly string[];
  readonly subordinates: readonly Subordinate[];
  /** The same round goes on where it was left. */
  readonly round?: string;
  /** All of it. Default 30 000. */
  readonly timeoutMs?: number;
  /** One question. Default 5 000. */
  readonly requestTimeoutMs?: number;
  readonly signal?: AbortSignal;
  /** The asking agent, when an agent asks. */
  readonly from?: string;
}

/** What one party is to do, and under whom. */
export interface HierarchyDirective extends Assignment {
  readonly superior: string;
  readonly dependsOn: readonly string[];
}

/** What it came to. */
export interface Coordinated {
  readonly round: string;
  /** Who coordinated at the end. */
  readonly coordinator: string;
  /** One for each task, each after those it depends on. */
  readonly directives: readonly HierarchyDirective[];
  /** What the parties said when they began; who said nothing is missing. */
  readonly reports: readonly Report[];
  readonly participants: readonly Participant[];
}

/** After so many refusals a task is given up: it is offered once, and twice again. */
const maxRefusals = 3;

/** One round, as its steps need it. */
interface Conduct {
  readonly bus: Bus;
  readonly space: string;
  readonly session: Session;
  readonly plan: CoordinationPlan;
  readonly coordinators: readonly string[];
  readonly subordinates: readonly Subordinate[];
}

/**
 * Carries out a plan's division. Throws `invalid-plan`, `cyclic-plan`, `coordinator-unavailable` when neither the coordinator nor
 * a deputy can be asked, `unassignable` naming the task nobody takes, `timeout`, `cancelled`, `conflict` when another
 * conductor has gone on with the round, and `round-reused` when it was begun about another plan, or with others.
 */
export async function coordinateHierarchy(
  bus: Bus,
  space: string,
  plan: CoordinationPlan,
  options: HierarchyOptions,
): Promise<Coordinated> {
  const { coordinator, deputies = [], subordinates, round = newRoundId() } = options;
  assertPlan(plan, subordinates);
  const coordinators = [coordinator, ...deputies];
  const electorate = [...new Set([...coordinators, ...subordinates.map(({ party }) => party)])];
  const { from, requestTimeoutMs, signal, timeoutMs } = options;
  const protocol = hierarchyProtocol;
  using session = new Session(bus, space, {
    round,
    protocol,
    electorate,
    from,
    requestTimeoutMs,
    signal,
    timeoutMs,
  });
  const conduct: Conduct = { bus, space, session, plan, coordinators, subordinates };
  const head = { round, protocol, subject: plan.goal, strategy: plan.strategy ?? 'star', electorate, from };
  const { kind: _kind, ...coordinated } = await holdRound(
    bus,
    space,
    head,
    async () => await carryOut(conduct),
  );
  return { ...coordinated, participants: session.participants };
}

/** Steps until every task has somebody; then all begin, and what they say goes up. */
async function carryOut(
  conduct: Conduct,
): Promise<Omit<Coordinated, 'participants'> & { readonly kind: 'coordinated' }> {
  const { bus, coordinators, plan, session, space } = conduct;
  let kept = await openRecord(bus, space, session.round, plan.goal);
  assertSamePlan(conduct, kept.record);
  while (openTasks(plan, kept.record).length > 0) kept = await step(conduct, kept);
  if (kept.record.phase === 'dividing') kept = await writeRecord(bus, space, kept, { phase: 'begun' });
  const coordinator = coordinators[kept.record.acting] ?? '';
  const directives = directivesOf(conduct, kept.record, coordinator);
  const reports = await begin(conduct, directives);
  await reportUpwards(conduct, coordinator, reports);
  return { kind: 'coordinated', round: session.round, coordinator, directives, reports };
}

/** What was given must be of this plan, and to one of these: a record may be of somebody else's making (K3). */
function assertSamePlan({ plan, subordinates }: Conduct, { given, goal, offered, round }: PlanRecord): void {
  const isOurs = ({ party, task }: Assignment): boolean =>
    plan.tasks.some(({ id }) => id === task) && subordinates.some((one) => one.party === party);
  if (goal === plan.goal && [...given, ...offered].every(isOurs)) return;
  const message = `the round ${round} was begun about another plan, or with others; take a new round`;
  throw coordinationError('round-reused', message, { details: { round } });
}

function openTasks(plan: CoordinationPlan, { given }: PlanRecord): PlanTask[] {
  return orderTasks(plan).filter(({ id }) => !given.some(({ task }) => task === id));
}

/** One step further: has the open tasks divided, or offers what was divided. */
async function step(conduct: Conduct, kept: KeptRecord): Promise<KeptRecord> {
  if (conduct.session.remainingMs < 1) {
    const tasks = openTasks(conduct.plan, kept.record).map(({ id }) => id);
    const message = `the round ${kept.record.round} ended before ${tasks.join(', ')} had somebody; give it more time`;
    throw coordinationError('timeout', message, { details: { round: kept.record.round, tasks } });
  }
  return kept.record.offered.length > 0 ? await offer(conduct, kept) : await divide(conduct, kept);
}

/** Asks the acting coordinator; who does not answer, or not fittingly, is followed by the next (K3). */
async function divide(
  { bus, coordinators, plan, session, space, subordinates }: Conduct,
  kept: KeptRecord,
): Promise<KeptRecord> {
  const { acting, given, refused, round } = kept.record;
  const party = coordinators[acting];
  if (party === undefined) {
    const message = `the round ${round} has nobody to coordinate it: ${coordinators.join(', ')} cannot be asked`;
    throw coordinationError('coordinator-unavailable', message, { details: { round, coordinators } });
  }
  const tasks = openTasks(plan, kept.record);
  const body = { goal: plan.goal, tasks, subordinates, given, refused };
  const answers = await session.ask(
    'divide',
    [{ party, body }],
    (answer): ReadAnswer<readonly Assignment[]> => {
      const read = divisionSchema.safeParse(answer);
      const isFit =
        read.success && wrongAssignment(read.data.assignments, tasks, subordinates, refused) === undefined;
      return isFit ? { kind: 'value', value: read.data.assignments } : { kind: 'invalid' };
    },
  );
  const offered = answers.get(party);
  if (offered === undefined) return await writeRecord(bus, space, kept, { acting: acting + 1 });
  const orphan = tasks.find(({ id }) => !offered.some(({ task }) => task === id));
  if (orphan !== undefined) throw unassignable(round, orphan.id, `${party} has nobody for it`);
  return await writeRecord(bus, space, kept, { offered: [...offered] });
}

/** Offers what was divided; what is not accepted counts as refused. */
async function offer(conduct: Conduct, kept: KeptRecord): Promise<KeptRecord> {
  const { bus, coordinators, plan, session, space, subordinates } = conduct;
  const { acting, given, offered, refused, round } = kept.record;
  const parties = subordinates.map(({ party }) => party);
  const superiors = superiorsOf(plan, coordinators[acting] ?? '', parties);
  const accepted: Assignment[] = [];
  const asked = offered.map(async ({ party, task: id }) => {
    const task = plan.tasks.find((one) => one.id === id);
    const body = { goal: plan.goal, task, superior: superiors.get(party) };
    const answers = await session.ask('offer', [{ party, body }], readOffer);
    if (answers.get(party) === true) accepted.push({ task: id, party });
  });
  await Promise.all(asked);
  const missed = offered.filter((one) => !accepted.some(({ task }) => task === one.task));
  const next = await writeRecord(bus, space, kept, {
    offered: [],
    given: [...given, ...offered.filter((one) => !missed.includes(one))],
    refused: [...refused, ...missed],
  });
  for (const { task } of missed) {
    const times = next.record.refused.filter((one) => one.task === task).length;
    if (times >= maxRefusals) throw unassignable(round, task, `${times} parties have refused it`);
  }
  return next;
}

function readOffer(answer: unknown): ReadAnswer<boolean> {
  const read = offerAnswerSchema.safeParse(answer);
  return read.success ? { kind: 'value', value: read.data.kind === 'accepted' } : { kind: 'invalid' };
}

function directivesOf(
  { plan, subordinates }: Conduct,
  { given }: PlanRecord,
  acting: string,
): HierarchyDirective[] {
  const superiors = superiorsOf(
    plan,
    acting,
    subordinates.map(({ party }) => party),
  );
  return orderTasks(plan).flatMap(({ dependsOn = [], id }) =>
    given
      .filter(({ task }) => task === id)
      .map(({ party }) => ({ task: id, party, superior: superiors.get(party) ?? acting, dependsOn })),
  );
}

/** K1. Resolves with what the parties report. */
async function begin(
  { plan, session }: Conduct,
  directives: readonly HierarchyDirective[],
): Promise<Report[]> {
  const own = [...Map.groupBy(directives, ({ party }) => party)];
  const questions = own.map(([party, all]) => {
    const tasks = all.flatMap(({ task }) => plan.tasks.filter(({ id }) => id === task));
    return { party, body: { goal: plan.goal, tasks, superior: all[0]?.superior } };
  });
  const notes = await session.ask('begin', questions, (answer): ReadAnswer<string | undefined> => {
    const read = beginAnswerSchema.safeParse(answer);
    return read.success ? { kind: 'value', value: read.data.note } : { kind: 'invalid' };
  });
  return own.flatMap(([party, all]) => {
    if (!notes.has(party)) return [];
    const note = notes.get(party);
    return [{ party, tasks: all.map(({ task }) => task), ...(note === undefined ? {} : { note }) }];
  });
}

/** Tells each superior what those below it report, those far down first, until the coordinator has heard everything. */
async function reportUpwards(
  { plan, session, subordinates }: Conduct,
  acting: string,
  reports: readonly Report[],
): Promise<void> {
  const superiors = superiorsOf(
    plan,
    acting,
    subordinates.map(({ party }) => party),
  );
  const chain = (party: string): string[] => {
    const above = superiors.get(party);
    return above === undefined ? [] : [above, ...chain(above)];
  };
  const heard = new Map<string, Report[]>();
  for (const report of reports)
    for (const above of chain(report.party)) heard.set(above, [...(heard.get(above) ?? []), report]);
  const byDepth = Map.groupBy(heard.keys(), (party) => chain(party).length);
  for (const [, parties] of [...byDepth].toSorted(([a], [b]) => b - a)) {
    const questions = parties.map((party) => ({
      party,
      body: { goal: plan.goal, reports: heard.get(party) ?? [] },
    }));
    await session.ask('feedback', questions, () => ({ kind: 'value', value: true }));
  }
}

function unassignable(round: string, task: string, why: string): Error {
  const message = `the round ${round}: ${task} cannot be given to anybody, ${why}; add a party that can and will do it`;
  return coordinationError('unassignable', message, { details: { round, task } });
}
