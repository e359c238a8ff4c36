/** Messages of the components in the words of a stack's file, which is where the values were set. */

/** Each argument of the components by its path, with the setting that it comes from. */
const SETTING: readonly (readonly [string, string])[] = [
  ["image.reference", "reference"],
  ["image.source", "imageSource"],
  ["image.archive", "imageArchive"],
  ["image.mirrorOf", "mirrorOf"],
  ["image.digest", "imageDigest"],
  ["image.platforms", "platforms"],
  ["image.publicKey", "imagePublicKey"],
  ["image.sourceUrl", "sourceUrl"],
  ["image.buildFromSource", "buildFromSource"],
  ["image.plainHttp", "pushPlainHttp"],
  ["image.login.username", "registryUsername"],
  ["image.login.password", "registryPassword"],
  ["image.signing.privateKey", "imageSigningKey"],
  ["image.signing.password", "imageSigningPassword"],
  ["trust.ca", "registryCa"],
  ["trust.mirrors", "registryMirrors"],
  ["trust.plainHttp", "registryPlainHttp"],
  ["trust.login.username", "pullUsername"],
  ["trust.login.password", "pullPassword"],
  ["proof.scope", "proof"],
  ["proof.nginxImage", "nginxImage"],
  ["proof.appImage", "appImage"],
  ["proof.appPort", "appPort"],
  ["proof.namespace", "namespace"],
];

/** The path at the beginning of a line, as the components list their problems, in a stack's words. */
export function inSettings(message: string): string {
  return message.replace(/^( +- )([\w.[\]]+)(?=[:[])/gm, (line, dash: string, path: string) => {
    const [, setting] = SETTING.find(([argument]) => path === argument || path.startsWith(`${argument}[`)) ?? [];
    if (setting !== undefined) return `${dash}${setting}`;
    return path.startsWith("nodes[") ? `${dash}${path.replace(".connection.", ".")}` : line;
  });
}

/** What the doctor writes where nobody but a person can know the certificate: no PEM, so that no run takes it for one. */
export const ASK_FOR_CA = "the certificate of the registry's authority as PEM: ask the administrator of the registry";
