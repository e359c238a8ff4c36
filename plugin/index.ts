import { componentProviderHost } from "@pulumi/pulumi/provider/experimental";

import * as components from "../components";

/** The face for other languages: `pulumi package add` reads the components' arguments and outputs out of their types. */
const { PauseSandbox, PauseImage, BootSetup, LocalhostPod, HandmadePod } = components;

void componentProviderHost({
  name: "pause-sandbox",
  components: [PauseSandbox, PauseImage, BootSetup, LocalhostPod, HandmadePod],
});
