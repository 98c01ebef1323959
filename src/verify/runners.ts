/** Which runner builds the cases of which system. */
import { verifyBlocks } from './blocks/index.js';
import { verifyHip } from './hip.js';
import type { CaseRunner } from './verifyCase.js';

/** By the `system` of case.json. */
export const runners: Record<string, CaseRunner> = { blocks: verifyBlocks, hip: verifyHip };
