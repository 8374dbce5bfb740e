/**
 * Who of the agents that are being started is up, who is on the way, and who cannot be started and why. Pure.
 *
 * V1 An instance has failed to start when nothing is under way for it and the leader does not try it, or not soon: it rests after its
 *    host gave it up, has ended, was given up, or has no room while nobody else is starting or stopping.
 * V2 Who waits for one that has failed has failed with it.
 */
import { observedKey, type InstanceId, type ObservedInstance } from '@mabeam/cluster';
import type { Waiting } from '../instances/actions.ts';
import type { DefinedAgent, DesiredInstance } from '../instances/desired.ts';
import type { InstanceLease } from '../instances/reconcile.ts';
import type { SpaceStanding } from './standing.ts';

/** An agent that could not be started: the code, what is known of it, and how often it was tried. */
export interface StartFailure {
  readonly agent: string;
  readonly code:
    | 'start-timeout'
    | 'module-not-found'
    | 'resource-exhausted'
    | 'crashed'
    | 'dependency-failed';
  readonly reason: string;
  readonly attempts: number;
}

/** All that is looked at. */
export interface StartScene {
  readonly wanted: readonly DefinedAgent[];
  /** The instances of these that ought to run. */
  readonly desired: readonly DesiredInstance[];
  readonly standing: SpaceStanding;
  readonly leases: readonly InstanceLease[];
  readonly observed: readonly ObservedInstance[];
  readonly isFrozen: boolean;
  /** No more waiting: who is not up has failed. */
  readonly isOver: boolean;
}

/** How far the starts are. */
export interface StartVerdict {
  /** Instances that are up, in order. */
  readonly instances: readonly string[];
  /** One for each agent that cannot be started. */
  readonly errors: readonly StartFailure[];
  /** How many instances are on their way. */
  readonly coming: number;
}

/** Judges each instance (V1, V2). */
export function judgeStarts(scene: StartScene): StartVerdict {
  const { desired, standing, wanted } = scene;
  const late = new Set(standing.laggards.map(observedKey));
  const running = new Set(standing.running);
  const isUp = (key: string): boolean => running.has(key) && !late.has(key);
  const errors = new Map<string, StartFailure>();
  for (const { spec, standing: its } of wanted)
    if (its === 'given-up') errors.set(spec.id, failureOf(spec.id, scene, 'crashed'));
  const down = desired.filter((instance) => !isUp(observedKey(instance)));
  for (let before = -1; before < errors.size;) {
    before = errors.size;
    for (const instance of down) {
      const code = errors.has(instance.agent) ? undefined : whyNot(instance, scene, errors);
      if (code !== undefined) errors.set(instance.agent, failureOf(instance.agent, scene, code, instance));
    }
  }
  return {
    instances: desired.map(observedKey).filter(isUp).toSorted(),
    errors: [...errors.values()],
    coming: down.filter(({ agent }) => !errors.has(agent)).length,
  };
}

/** Why an instance cannot be started; undefined: it is on its way. */
function whyNot(
  instance: InstanceId,
  scene: StartScene,
  failed: ReadonlyMap<string, unknown>,
): StartFailure['code'] | undefined {
  const waiting = waitingOf(instance, scene);
  if (waiting?.reason === 'back-off' || waiting?.reason === 'ended') return 'crashed';
  if (waiting?.reason === 'resource-exhausted' && isCalm(scene)) return 'resource-exhausted';
  if (waiting?.on !== undefined && failed.has(waiting.on)) return 'dependency-failed';
  if (!scene.isOver) return undefined;
  return waiting?.reason === 'resource-exhausted' ? 'resource-exhausted' : 'start-timeout';
}

/** Is nobody starting or stopping, so that no room comes free by itself? */
function isCalm({ leases, standing }: StartScene): boolean {
  return standing.actions.length === 0 && leases.length === standing.running.length;
}

function failureOf(
  agent: string,
  scene: StartScene,
  code: StartFailure['code'],
  instance?: InstanceId,
): StartFailure {
  const seen = scene.observed.find(
    (each) => each.agent === agent && each.ordinal === (instance?.ordinal ?? 0),
  );
  const { reason: told, restarts = 0 } = seen ?? {};
  const waiting = instance === undefined ? undefined : waitingOf(instance, scene);
  const isFound = !(code === 'crashed' && told !== undefined && saysMissing.test(told));
  const usual = waiting?.on === undefined ? waiting?.reason : `it waits for ${waiting.on}`;
  const own = code === 'crashed' ? told : undefined;
  const frozen = scene.isFrozen ? 'the space is frozen' : undefined;
  return {
    agent,
    code: isFound ? code : 'module-not-found',
    reason: own ?? frozen ?? usual ?? told ?? 'it has not become ready',
    attempts: seen === undefined ? 0 : restarts + 1,
  };
}

/** How Node, and the system, say that there is nothing to run. */
const saysMissing = /ERR_MODULE_NOT_FOUND|Cannot find (module|package)|ENOENT/;

function waitingOf({ agent, ordinal }: InstanceId, { standing }: StartScene): Waiting | undefined {
  return standing.waiting.find((each) => each.agent === agent && each.ordinal === ordinal);
}
