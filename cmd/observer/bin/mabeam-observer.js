#!/usr/bin/env node
// The launcher of `mabeam-observer`: the compiled program, which a checkout has after `npm run build`.
import { existsSync } from 'node:fs';

const program = new URL('../dist/main.js', import.meta.url);
if (existsSync(program)) await import(program.href);
else {
  console.error('mabeam-observer: this checkout is not built yet; run "npm run build" in it');
  process.exitCode = 1;
}
