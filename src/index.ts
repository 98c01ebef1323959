/**
 * Hiperceiver: general perception in TypeScript. This is the library's entry in Node: what `hiperceiver/browser` has, and
 * all that reads and writes files.
 */
export * from './browser.js';
export * from './checkpoint/index.js';
export * from './data/index.js';
export * from './tasks/index.js';
export * from './training/index.js';
export * from './verify/index.js';
export * from './visualize/index.js';
