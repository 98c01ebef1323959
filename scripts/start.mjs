/** `npm start`: everything from a fresh clone to the quickstart's report; further arguments go to the quickstart. */
process.argv.splice(2, 0, 'quickstart');
await import('./hip.mjs');
