/** What reconciliation decides: starts and stops to be ordered from nodes, and what is waited for. */
import type { InstanceId, RestartPolicy } from '@mabeam/cluster';
import type { DesiredInstance } from './desired.ts';

/** Start an instance on a node: one that ought to run, one to be tried again, or one whose host is lost. */
export interface StartAction extends InstanceId {
  readonly kind: 'start';
  readonly node: string;
  readonly instance: DesiredInstance;
  readonly reason: 'desired' | 'retry' | 'lost';
  /** How its host is to start it again; absent: as hosts do. */
  readonly restarts?: RestartPolicy;
}

/** Stop an instance that ought not to run, or not by that definition, or not this life of it. */
export interface StopAction extends InstanceId {
  readonly kind: 'stop';
  readonly node: string;
  readonly reason: 'not-desired' | 'definition-changed' | 'supervision';
  /** The one life that is meant; absent: whichever there is. */
  readonly incarnation?: string;
}

/** Why a desired instance that does not run is not being started now. */
export interface Waiting extends InstanceId {
  readonly kind: 'waiting';
  readonly reason:
    | 'in-flight'
    | 'stopping'
    | 'back-off'
    | 'ended'
    | 'no-node'
    | 'host-may-return'
    | 'dependency'
    | 'start-limit'
    | 'resource-exhausted';
  /** The agent waited for, when the reason is `dependency`. */
  readonly on?: string;
}

/** Something to be ordered from a node. */
export type Action = StartAction | StopAction;
