/** Which runner builds the cases of which system, and what counts its named sizes. */
import { verifyBeit } from './beit.js';
import { countBeit } from './beitTables.js';
import { verifyBlocks } from './blocks/index.js';
import { verifyFastMim } from './fastmim.js';
import { countFastMim } from './fastmimTables.js';
import { verifyHip } from './hip.js';
import { countMae, countMlpMixer, countVit } from './imageTables.js';
import { verifyMae } from './mae.js';
import { verifyMlpMixer } from './mlpMixer.js';
import { verifyPerceiver } from './perceiver.js';
import { countPerceiver } from './perceiverTables.js';
import { verifySatMae } from './satmae.js';
import { countSatMae } from './satmaeTables.js';
import type { ParameterCounter } from './tables.js';
import type { CaseRunner } from './verifyCase.js';
import { verifyVit } from './vit.js';

/** By the `system` of case.json. */
export const runners: Record<string, CaseRunner> = {
  beit: verifyBeit,
  blocks: verifyBlocks,
  fastmim: verifyFastMim,
  hip: verifyHip,
  mae: verifyMae,
  mlp_mixer: verifyMlpMixer,
  perceiver: verifyPerceiver,
  satmae: verifySatMae,
  vit: verifyVit,
};

/** For `counts.json` of a system's folder: the number of parameters of each row's name. */
export const counters: Record<string, ParameterCounter> = {
  beit: countBeit,
  fastmim: countFastMim,
  mae: countMae,
  mlp_mixer: countMlpMixer,
  perceiver: countPerceiver,
  satmae: countSatMae,
  vit: countVit,
};
