/** Golden cases: comparing what is built here with the reference implementations' own numbers. */
export { type Check, Comparison, type Tolerance } from './comparison.js';
export { floatsOf, type GoldenCase, integersOf, loadCase, namesUnder, tensorOf } from './goldenCase.js';
export { backward, CaseInputs, runGraph } from './runGraph.js';
export { runners } from './runners.js';
export { verifyTable } from './tables.js';
export { type CaseRunner, type Verdict, verifyCase, verifyCases } from './verifyCase.js';
