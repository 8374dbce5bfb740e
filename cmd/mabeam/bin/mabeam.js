#!/usr/bin/env node
// The launcher of `mabeam`: plain JavaScript that runs on old Nodes too, to say what is missing. From an installed package it
// runs the compiled program; from a checkout it runs the sources in a Node of their own, which ends when this process does.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const { engines } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'));
const [wantedMajor, wantedMinor] = engines.node.replace('>=', '').split('.').map(Number);
const [major, minor] = process.versions.node.split('.').map(Number);

if (major < wantedMajor || (major === wantedMajor && minor < wantedMinor)) {
  console.error(
    `mabeam: Node ${engines.node} is needed; this is ${process.version} (${process.execPath}).\n` +
      'In a checkout "npm ci" installs a fitting one in node_modules/.bin: use "npm run mabeam -- …" or "npx mabeam …".\n' +
      `Elsewhere put a Node ${engines.node} first in PATH.`,
  );
  process.exit(1);
}

const source = new URL('../src/main.ts', import.meta.url);
// Node does not run TypeScript below node_modules: there, and where there are no sources, it is the compiled program.
const installed = /[\\/]node_modules[\\/]/.test(fileURLToPath(import.meta.url)) || !existsSync(source);
if (installed) await import('../dist/main.js');
else runSource();

/** Runs the sources with our arguments, terminal and signals, and ends as they do. */
function runSource() {
  const args = ['--conditions=@mabeam/source', fileURLToPath(source), ...process.argv.slice(2)];
  const child = spawn(process.execPath, args, {
    stdio: ['inherit', 'inherit', 'inherit', 'pipe'],
    env: { ...process.env, MABEAM_CONTROL_FD: '3' },
  });
  child.stdio[3].on('error', () => undefined); // the child's exit tells the same
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal's Ctrl-C reaches the child by itself; passed on as well it would count twice.
    process.on(signal, () => {
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.once('exit', (code, signal) => {
    if (signal === null) process.exit(code ?? 1);
    process.removeAllListeners(signal);
    process.kill(process.pid, signal);
  });
}
