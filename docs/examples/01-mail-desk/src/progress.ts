/** Progress while the desk works: a bar on a terminal, a line every tenth elsewhere. */
import cliProgress from 'cli-progress';

export interface Progress {
  readonly advance: () => void;
  readonly note: (line: string) => void;
  readonly stop: () => void;
}

/** Shows progress on standard error, so that standard output is the result alone. */
export function startProgress(total: number, stream: NodeJS.WriteStream = process.stderr): Progress {
  return stream.isTTY ? terminalBar(total, stream) : plainLines(total, stream);
}

function terminalBar(total: number, stream: NodeJS.WriteStream): Progress {
  const bar = new cliProgress.SingleBar({
    stream,
    format: '{bar} {percentage} % | {value}/{total} verdicts | {eta_formatted} left',
    hideCursor: true,
    clearOnComplete: true,
  });
  bar.start(total, 0);
  return {
    advance: () => bar.increment(),
    note: (line) => {
      stream.write(`\r\u001B[K${line}\n`);
    },
    stop: () => bar.stop(),
  };
}

function plainLines(total: number, stream: NodeJS.WriteStream): Progress {
  let done = 0;
  return {
    advance: () => {
      done += 1;
      if (Math.floor((done * 10) / total) > Math.floor(((done - 1) * 10) / total))
        stream.write(`${done}/${total} verdicts\n`);
    },
    note: (line) => {
      stream.write(`${line}\n`);
    },
    stop: () => undefined,
  };
}
