export { Heap } from './heap.js';
export { Passes } from './passes.js';
export { type ElementwisePlan, elementwisePlan } from './plan.js';
