/** The images that Docker Hub would serve elsewhere, built here; pause's is the program's own work. */
import { docker } from "../cluster/docker";
import { ensureImage } from "../cluster/images";
import { rootFsImage, WORKLOAD_ROOTFS } from "../cluster/rootfs";
import { JRE_ROOTFS, springImage } from "../cluster/spring";
import type { Log } from "../log";
import type { Settings } from "./program";

/** nginx and the Spring Boot application as images of the engine, and the platform they are for. */
export async function images(log: Log): Promise<Pick<Settings, "platform" | "nginxImage" | "appImage">> {
  const platform = (await docker(["version", "--format", "{{.Server.Os}}/{{.Server.Arch}}"])).trim();
  const nginxImage = await ensureImage({ name: "nginx", base: await rootFsImage(WORKLOAD_ROOTFS, log) }, log);
  await rootFsImage(JRE_ROOTFS, log);
  const appImage = await ensureImage(await springImage(log), log);
  return { platform, nginxImage: await idOf(nginxImage), appImage: await idOf(appImage) };
}

async function idOf(image: string): Promise<string> {
  return (await docker(["image", "inspect", "--format", "{{.Id}}", image])).trim();
}
