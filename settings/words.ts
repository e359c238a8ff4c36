/** Messages of the components in the words of a stack's file, which is where the values were set. */

/** Each argument of the components by its path, with the setting that it comes from. */
const SETTING: readonly (readonly [string, string])[] = [
  ["image.reference", "reference"],
  ["image.source", "imageSource"],
  ["image.archive", "imageArchive"],
  ["image.mirrorOf", "mirrorOf"],
  ["image.digest", "imageDigest"],
  ["image.platforms", "platforms"],
  ["image.alsoTags", "alsoTags"],
  ["image.publicKey", "imagePublicKey"],
  ["image.sourceUrl", "sourceUrl"],
  ["image.buildFromSource", "buildFromSource"],
  ["image.plainHttp", "pushPlainHttp"],
  ["image.login", "registryUsername"],
  ["image.login.username", "registryUsername"],
  ["image.login.password", "registryPassword"],
  ["image.signing", "imageSigningKey"],
  ["image.signing.privateKey", "imageSigningKey"],
  ["image.signing.password", "imageSigningPassword"],
  ["trust.ca", "registryCa"],
  ["trust.mirrors", "registryMirrors"],
  ["trust.plainHttp", "registryPlainHttp"],
  ["trust.login", "pullUsername"],
  ["trust.login.username", "pullUsername"],
  ["trust.login.password", "pullPassword"],
  ["trust.login.keep", "keepPullLogin"],
  ["connection.privateKey", "sshPrivateKey"],
  ["connection.privateKeyPassword", "sshPrivateKeyPassword"],
  ["proof.scope", "proof"],
  ["proof.nginxImage", "nginxImage"],
  ["proof.appImage", "appImage"],
  ["proof.appPort", "appPort"],
  ["proof.namespace", "namespace"],
  ["proof.runtimeClasses", "runtimeClasses"],
];

/** An argument in a text: not a part of a host, a path or a label such as org.opencontainers.image.source. */
const ARGUMENT = /(?<![\w./@-])(?:nodes\[\d+\]\.)?(?:image|trust|proof|connection)(?:\.[a-zA-Z]+)+/g;

/** A message of the components in a stack's words. */
export function inSettings(message: string): string {
  return message.replace(ARGUMENT, (path) => {
    const bare = path.replace(/^nodes\[\d+\]\./, "");
    const [, setting] = SETTING.find(([argument]) => bare === argument) ?? [];
    return setting ?? path.replace(/^(nodes\[\d+\]\.)connection\./, "$1");
  });
}

/** What the doctor writes where nobody but a person can know the certificate: no PEM, so that no run takes it for one. */
export const askForCa = (registry: string): string =>
  `the certificate, as PEM, of the authority of registry ${registry} (ask its administrator)`;

/** Whether a text is that. */
export const asksForCa = (text: string): boolean => text.startsWith(askForCa("").slice(0, 50));
