/** What the test's page runs: makes the three steps callable from outside. */
import { threeSteps } from './threeSteps.js';

Object.assign(globalThis, { threeSteps });
