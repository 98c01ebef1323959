/** Every route, in the order in which the documentation lists them. */
import type { Route } from '../route.js';
import { classify } from './classify.js';
import { documentation } from './documentation.js';
import { embed } from './embed.js';
import { health } from './health.js';
import { metrics } from './metrics.js';
import { openapi } from './openapi.js';
import { reconstruct } from './reconstruct.js';

export const routes: readonly Route[] = [embed, classify, reconstruct, health, metrics, openapi, documentation];
