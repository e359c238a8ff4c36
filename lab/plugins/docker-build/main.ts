import { serve } from "../protocol/serve";
import { plugin } from "./plugin";

serve(plugin);
