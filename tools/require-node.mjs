// Stops a script with a clear message when it runs on a Node that is too old. The pinned Node comes as an optional
// dependency; npm skips one it cannot fetch without a word, and the scripts would then fail in stranger ways.
// It must itself run on old Nodes: no TypeScript, nothing modern.
import { readFileSync } from 'node:fs';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const [wantedMajor, wantedMinor] = engines.node.replace('>=', '').split('.').map(Number);
const [major, minor] = process.version.slice(1).split('.').map(Number);

if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  const system = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${system === 'darwin' && process.arch === 'arm64' ? 'bin-' : ''}${system}-${process.arch}`;
  console.error(
    `MABEAM needs Node ${engines.node}; this is ${process.version} (${process.execPath}).\n` +
      `A fitting one comes with "npm ci" as the optional package ${name}, and it is not installed.\n` +
      `Run "npm ci --include=optional" and look for errors about ${name},\n` +
      `or put a Node ${engines.node} first in PATH. Scripts must be started through npm ("npm test", "npm start").`,
  );
  process.exit(1);
}
