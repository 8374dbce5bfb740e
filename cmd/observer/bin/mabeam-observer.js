#!/usr/bin/env node
// The launcher of an installed `mabeam-observer`: the compiled program. In a checkout it needs `npm run build`.
await import('../dist/main.js');
