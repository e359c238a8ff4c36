/** Property tests draw the same in each run below `long`, so that a change is what makes one fail; `long` looks for new cases. */
import * as fc from "fast-check";

import { currentTier } from "./tier";

if (currentTier() !== "long") fc.configureGlobal({ seed: 7 });
