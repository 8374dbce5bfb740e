/**
 * How an agent is started: the command line and the environment of one incarnation (docs/protocol.md, "Hosted agents").
 * Pure, but for the folder of compiled code.
 */
import { isAbsolute } from 'node:path';
import { fileURLToPath } from 'node:url';
import { seedVariable, type AgentSpec } from '@mabeam/agents';
import { clusterError } from './errors.ts';
import { privateFolder } from './private-folder.ts';

/** A command with its arguments. */
export interface CommandLine {
  readonly command: string;
  readonly args: readonly string[];
}

/** How this process itself runs, and what every Node agent loads first. */
export interface NodeSetup {
  /** URLs or packages given to `--import`, in order. */
  readonly preload: readonly string[];
  /** Default: this process's. */
  readonly execPath?: string;
  readonly execArgv?: readonly string[];
}

/** The condition under which our packages are imported from their sources. */
const sourceCondition = '@mabeam/source';

/** The command line of an agent. Throws `not-hostable` when its definition says that it is started elsewhere. */
export function agentCommandLine(spec: AgentSpec, setup: NodeSetup): CommandLine {
  const { run } = spec;
  if (run === undefined) {
    const cure = 'give its definition `run: {module}` or `run: {command}`';
    throw clusterError('not-hostable', `agent ${spec.id} is started elsewhere; ${cure}`, {
      details: { agent: spec.id },
    });
  }
  if ('command' in run) {
    const [command, ...args] = run.command;
    return { command, args };
  }
  const { execPath = process.execPath, execArgv = process.execArgv } = setup;
  const conditions = importConditions(execArgv).map((condition) => `--conditions=${condition}`);
  const imports = setup.preload.flatMap((url) => ['--import', url]);
  return { command: execPath, args: [...conditions, ...imports, ...entry(run.module)] };
}

/** What makes an incarnation. */
export interface IncarnationSetup {
  readonly natsUrl: string;
  readonly space: string;
  readonly spec: AgentSpec;
  readonly ordinal: number;
  readonly incarnation: string;
  /** The secret of its identity; absent: it makes one. */
  readonly seed?: string;
  /** The folder of the runtime bundle, `off` when there is none now; absent: its host has no bundles. */
  readonly runtimeBundle?: string;
}

/** The environment of an incarnation: this process's own but for its seed, and what the agent must know. */
export function agentEnvironment(
  setup: IncarnationSetup,
  environment: NodeJS.ProcessEnv = process.env,
): NodeJS.ProcessEnv {
  const { [seedVariable]: _own, ...base } = environment;
  const compileCache = base['NODE_COMPILE_CACHE'] ?? privateFolder('mabeam-compile-cache');
  return {
    ...base,
    NATS_URL: setup.natsUrl,
    MABEAM_SPACE: setup.space,
    MABEAM_AGENT: setup.spec.id,
    MABEAM_ORDINAL: String(setup.ordinal),
    MABEAM_INCARNATION: setup.incarnation,
    MABEAM_CONFIG: JSON.stringify(setup.spec.config),
    MABEAM_LOG_LEVEL: base['MABEAM_LOG_LEVEL'] ?? 'info',
    ...(setup.seed === undefined ? {} : { [seedVariable]: setup.seed }),
    ...(compileCache === undefined ? {} : { NODE_COMPILE_CACHE: compileCache }),
    ...(setup.runtimeBundle === undefined ? {} : { MABEAM_RUNTIME_BUNDLE: setup.runtimeBundle }),
  };
}

/** A file is run; a package is imported, found from the working folder. */
function entry(module: string): readonly string[] {
  if (module.startsWith('file:')) return [fileURLToPath(module)];
  if (isAbsolute(module)) return [module];
  return ['--input-type=module', '--eval', 'await import(process.argv[1])', module];
}

/** The conditions, beside Node's own, under which agents import: those of a checkout when this process runs in one. */
export function importConditions(execArgv: readonly string[] = process.execArgv): readonly string[] {
  const runsFromSource = execArgv.some(
    (argument, index) =>
      argument === `--conditions=${sourceCondition}` ||
      (argument === sourceCondition && ['-C', '--conditions'].includes(execArgv[index - 1] ?? '')),
  );
  return runsFromSource ? [sourceCondition] : [];
}
