/**
 * A committee in the simulator, with liars in it. Signatures are ideal: a register of who signed what, in which nobody writes for
 * another; so a run costs no cryptography, and a forgery is one that signatures would not stop either.
 */
import {
  seededRandom,
  simulate,
  type PartyStep,
  type Random,
  type SimulatedParty,
  type SimulationRun,
} from '@mabeam/testing';
import {
  committeeOf,
  createReplica,
  type Committee,
  type PbftMessage,
  type ReplicaState,
  type SignatureCheck,
  type Signed,
  type Statement,
} from '../src/index.ts';

/** A message on the simulated wire; liars say which of their faces it is for. */
export interface Carried {
  readonly message: PbftMessage;
  readonly face: number;
}

/** A member's knowledge: an honest one has one face, a two-faced liar has two. */
export interface Member {
  readonly faces: readonly ReplicaState[];
}

/** How a liar lies. */
export type Lie = 'silent' | 'noisy' | 'two-faced';

/** What is played. */
export interface Play {
  readonly seed: number;
  readonly size: number;
  readonly faults: number;
  readonly liars: ReadonlyMap<string, Lie>;
  /** Two-faced liars show their first face to these, the second to all other honest members. */
  readonly firstGroup: readonly string[];
  readonly untilMs: number;
}

type Party = SimulatedParty<Member, Carried>;

/** The ideal signatures of one run. */
export class Register {
  readonly #signed = new Set<string>();

  signerOf(by: string): <S extends Statement>(statement: S) => Signed<S> {
    return (statement) => {
      this.#signed.add(`${by} ${JSON.stringify(statement)}`);
      return { statement, by, signature: `of ${by}` };
    };
  }

  get check(): SignatureCheck {
    return ({ statement, by, signature }) =>
      signature === `of ${by}` && this.#signed.has(`${by} ${JSON.stringify(statement)}`);
  }
}

/** Plays one session; the network misbehaves for the first two seconds. */
export function playSession(play: Play): {
  readonly run: SimulationRun<Member>;
  readonly committee: Committee;
  readonly check: SignatureCheck;
} {
  const { seed, size, faults, liars } = play;
  const random = seededRandom(seed);
  const names = Array.from({ length: size }, (_, i) => `p${i}`);
  const committee = committeeOf(`s${seed}`, names, { faults, alternatives: 3 });
  const register = new Register();
  const parties = new Map(names.map((name) => [name, partyOf(name, { play, committee, register, random })]));
  const honest = names.filter((name) => !liars.has(name));
  const isCut = random() < 0.5;
  const others = honest.filter((name) => !play.firstGroup.includes(name));
  const groups = [play.firstGroup, others].map((group) => [...group, ...liars.keys()]);
  const run = simulate<Member, Carried>(parties, {
    seed,
    weather: {
      dropRate: random() * 0.4,
      duplicateRate: random() * 0.3,
      maxDelayMs: 5 + random() * 80,
      partitions: isCut ? [{ fromMs: random() * 100, toMs: 500 + random() * 1_000, groups }] : [],
      healsAtMs: 2_000,
    },
    crashes: random() < 0.3 ? [{ party: honest[0] ?? '', atMs: random() * 300, backAtMs: 700 }] : [],
    untilMs: play.untilMs,
    maxSteps: 60_000,
    isOver: (states) => honest.every((name) => states.get(name)?.faces[0]?.decided !== undefined),
  });
  return { run, committee, check: register.check };
}

interface Scene {
  readonly play: Play;
  readonly committee: Committee;
  readonly register: Register;
  readonly random: Random;
}

function partyOf(name: string, scene: Scene): Party {
  const { play, random } = scene;
  const lie = play.liars.get(name);
  const first = Math.floor(random() * 2);
  const face = (accepts: readonly number[]): ReturnType<typeof createReplica> =>
    createReplica({
      committee: scene.committee,
      self: name,
      accepts,
      sign: scene.register.signerOf(name),
      check: scene.register.check,
      viewMs: 200,
    });
  if (lie === undefined) return honestly(face(first === 0 ? [0, 1, 2] : [1, 0, 2]));
  if (lie === 'two-faced') return twoFaced([face([0, 1, 2]), face([1, 0, 2])], scene);
  return lie === 'silent' ? silent : noisily(face([0, 1, 2]), name, scene);
}

const silent: Party = {
  initial: { faces: [] },
  step: (state): PartyStep<Member, Carried> => ({ state, sends: [], timers: [] }),
};

function honestly(replica: ReturnType<typeof createReplica>): Party {
  return {
    initial: { faces: [replica.initial] },
    step: ({ faces }, input) => {
      const [known = replica.initial] = faces;
      const heard = input.kind === 'message' ? { ...input, message: input.message.message } : input;
      const { state, sends, timers } = replica.step(known, heard);
      return { state: { faces: [state] }, sends: sends.map((sent) => carried(sent, 0)), timers };
    },
  };
}

const carried = (
  { to, message }: { readonly to: string; readonly message: PbftMessage },
  face: number,
): { to: string; message: Carried } => ({
  to,
  message: { message, face },
});

/** Two honest members in one body, each with half of the honest and all other liars. */
function twoFaced(replicas: readonly ReturnType<typeof createReplica>[], { play }: Scene): Party {
  const shows = (face: number, to: string): boolean =>
    play.liars.has(to) || play.firstGroup.includes(to) === (face === 0);
  return {
    initial: { faces: replicas.map(({ initial }) => initial) },
    step: ({ faces }, input) => {
      const steps = replicas.map((replica, face) => {
        const known = faces[face] ?? replica.initial;
        if (input.kind === 'start') return replica.step(known, input);
        if (input.kind === 'timer') {
          const [timer = '', of] = input.timer.split(' ');
          return of === String(face) ? replica.step(known, { kind: 'timer', timer }) : undefined;
        }
        const { from, message } = input;
        const isMeant = play.liars.has(from) ? message.face === face : shows(face, from);
        return isMeant ? replica.step(known, { kind: 'message', from, message: message.message }) : undefined;
      });
      return {
        state: {
          faces: steps
            .map((step, face) => step?.state ?? faces[face] ?? replicas[face]?.initial)
            .filter((one) => one !== undefined),
        },
        sends: steps.flatMap((step, face) =>
          (step?.sends ?? []).filter(({ to }) => shows(face, to)).map((sent) => carried(sent, face)),
        ),
        timers: steps.flatMap((step, face) =>
          (step?.timers ?? []).map(({ timer, afterMs }) => ({ timer: `${timer} ${face}`, afterMs })),
        ),
      };
    },
  };
}

/** Says what an honest member would, but twists, forges, repeats and withholds as it likes. */
function noisily(replica: ReturnType<typeof createReplica>, name: string, scene: Scene): Party {
  const honest = honestly(replica);
  const heard: PbftMessage[] = [];
  const { random, committee } = scene;
  return {
    initial: honest.initial,
    step: (state, input) => {
      if (input.kind === 'message') heard.push(input.message.message);
      const step = honest.step(state, input, 0);
      const sends = step.sends.flatMap(({ to, message }) => {
        if (random() < 0.3) return [];
        const twisted = random() < 0.5 ? twist(message.message, name, scene) : message.message;
        return [{ to, message: { message: twisted, face: 0 } }];
      });
      if (random() < 0.3)
        sends.push(
          ...mischief(name, heard, scene).map((message) => ({
            to: anyOf(committee.members, random),
            message: { message, face: 0 },
          })),
        );
      return { state: step.state, sends, timers: step.timers };
    },
  };
}

const anyOf = <T>(items: readonly [T, ...T[]] | readonly T[], random: Random): T => {
  const item = items[Math.floor(random() * items.length)];
  if (item === undefined) throw new Error('nothing to choose from');
  return item;
};

/** Another choice, another view or another past, properly signed by the liar itself. */
function twist(message: PbftMessage, name: string, { random, register }: Scene): PbftMessage {
  const sign = register.signerOf(name);
  const choice = Math.floor(random() * 4);
  if (message.kind === 'decided') return { kind: 'decided', certificate: { ...message.certificate, choice } };
  if (message.kind === 'view-change') {
    const view = message.signed.statement.view + Math.floor(random() * 3);
    const prepared = random() < 0.5 ? null : { view: Math.floor(random() * 3), choice };
    const signed = sign({ ...message.signed.statement, view, prepared });
    return { ...message, signed };
  }
  if (message.kind === 'propose')
    return { ...message, signed: sign({ ...message.signed.statement, choice }) };
  if (message.kind === 'prepare')
    return { kind: 'prepare', signed: sign({ ...message.signed.statement, choice }) };
  return { kind: 'commit', signed: sign({ ...message.signed.statement, choice }) };
}

/** Something out of nothing: a replay, a forged name, a prepare and a commit nobody asked for, a proposal out of turn. */
function mischief(
  name: string,
  heard: readonly PbftMessage[],
  { random, committee, register }: Scene,
): readonly PbftMessage[] {
  const sign = register.signerOf(name);
  const { session } = committee;
  const place = { session, view: Math.floor(random() * 3), choice: Math.floor(random() * 3) };
  const other = anyOf(committee.members, random);
  const forged = { statement: { kind: 'commit' as const, ...place }, by: other, signature: `of ${other}` };
  return anyOf<readonly PbftMessage[]>(
    [
      heard.length === 0 ? [] : [anyOf(heard, random)],
      [{ kind: 'commit', signed: forged }],
      [{ kind: 'prepare', signed: { ...forged, statement: { kind: 'prepare', ...place } } }],
      [
        { kind: 'prepare', signed: sign({ kind: 'prepare', ...place }) },
        { kind: 'commit', signed: sign({ kind: 'commit', ...place }) },
      ],
      [{ kind: 'propose', signed: sign({ kind: 'propose', ...place }) }],
      [{ kind: 'propose', signed: sign({ kind: 'propose', ...place }), justification: { changes: [] } }],
      [
        {
          kind: 'decided',
          certificate: {
            ...place,
            commits: committee.members.map((by) => ({ ...forged, by, signature: `of ${by}` })),
          },
        },
      ],
    ],
    random,
  );
}
