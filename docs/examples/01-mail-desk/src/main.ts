/** `npm start`: runs the mail desk and prints what came of it. */
import { writeFile } from 'node:fs/promises';
import { MabeamError } from '@mabeam/bus';
import { renderTrace } from '@mabeam/telemetry';
import { runDesk, type DeskResult } from './desk.ts';
import { mailDeskError } from './errors.ts';
import type { JudgedMail } from './feed.ts';
import { help, parseOptions, type DeskOptions } from './options.ts';
import { startProgress, type Progress } from './progress.ts';
import { renderSummary } from './summary.ts';

process.exitCode = await main(process.argv.slice(2)).catch(fail);

async function main(args: readonly string[]): Promise<number> {
  const options = parseOptions(args);
  if (options === undefined) {
    console.log(help);
    return 0;
  }
  const result = await runWithProgress(options);
  await writeVerdicts(options.out, result.mails);
  console.log(renderSummary(result.summary));
  if (result.trace !== undefined) console.log(`\none mail's journey:\n${renderTrace(result.trace)}\n`);
  console.log(`verdicts: ${options.out}`);
  if (options.json) console.log(JSON.stringify(result.summary));
  return result.summary.failures === 0 ? 0 : 1;
}

async function runWithProgress(options: DeskOptions): Promise<DeskResult> {
  let progress: Progress | undefined;
  const note = (line: string): void => {
    if (progress === undefined) console.error(line);
    else progress.note(line);
  };
  try {
    return await runDesk(options, {
      onNote: note,
      onReady: ({ url }) =>
        note(
          `the teams are at work; look on from a second terminal: NATS_URL=${url} npx mabeam ps --space mail-desk`,
        ),
      onTotal: (total) => {
        progress = startProgress(total);
      },
      onJudged: () => progress?.advance(),
    });
  } finally {
    progress?.stop();
  }
}

/** One JSON line per mail, in the order the verdicts came. */
async function writeVerdicts(path: string, mails: readonly JudgedMail[]): Promise<void> {
  const lines = mails.map(({ id, name, truth, latencyMs, result }) => {
    const verdict =
      result.kind === 'ruled'
        ? { ...result.ruling }
        : { error: { code: result.code, message: result.message } };
    return JSON.stringify({ id, name, truth, ...verdict, latencyMs: Math.round(latencyMs) });
  });
  try {
    await writeFile(path, lines.map((line) => `${line}\n`).join(''));
  } catch (cause) {
    throw mailDeskError(
      'output-unwritable',
      `--out ${path}: ${cause instanceof Error ? cause.message : 'cannot be written'}`,
      { cause },
    );
  }
}

function fail(error: unknown): number {
  if (!(error instanceof MabeamError)) throw error;
  console.error(`mail desk: ${error.message}`);
  return error.exit;
}
