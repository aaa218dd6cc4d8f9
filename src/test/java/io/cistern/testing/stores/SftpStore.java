package io.cistern.testing.stores;

import io.cistern.testing.Ports;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.apache.sshd.common.config.keys.PublicKeyEntry;
import org.apache.sshd.common.file.virtualfs.VirtualFileSystemFactory;
import org.apache.sshd.server.SshServer;
import org.apache.sshd.server.keyprovider.SimpleGeneratorHostKeyProvider;
import org.apache.sshd.sftp.server.SftpSubsystemFactory;

/** An SFTP server in this process, on a temporary folder with a folder for each bucket. */
public final class SftpStore implements TestStore {

    private static final String USER = "cistern";
    private static final String PASSWORD = "only for $tests&";

    private final FolderStore folder = new FolderStore();
    private final SshServer server = SshServer.setUpDefaultServer();
    private final Path knownHosts;

    SftpStore() {
        try {
            SimpleGeneratorHostKeyProvider hostKey = new SimpleGeneratorHostKeyProvider();
            hostKey.setAlgorithm("EC");
            server.setHost(Ports.HOST);
            server.setKeyPairProvider(hostKey);
            server.setPasswordAuthenticator((user, password, session) -> USER.equals(user) && PASSWORD.equals(password));
            server.setSubsystemFactories(List.of(new SftpSubsystemFactory.Builder().build()));
            server.setFileSystemFactory(new VirtualFileSystemFactory(folder.root()));
            server.start();
            knownHosts = Files.createTempFile("known-hosts", "");
            knownHosts.toFile().deleteOnExit();
            Files.writeString(knownHosts, "[" + Ports.HOST + "]:" + server.getPort() + " "
                + PublicKeyEntry.toString(hostKey.loadKeys(null).iterator().next().getPublic()) + "\n");
        } catch (IOException e) {
            throw new IllegalStateException(e);
        }
    }

    @Override
    public String type() {
        return "sftp";
    }

    /** Null: it speaks no HTTP. */
    @Override
    public URI endpoint() {
        return null;
    }

    @Override
    public Map<String, String> settings(String bucket, URI endpoint) {
        return Map.of("BUCKET_TYPE", type(), "BUCKET_NAME", "/" + bucket, "sftp.host", Ports.HOST,
            "sftp.port", String.valueOf(server.getPort()), "sftp.user", USER, "sftp.password", PASSWORD,
            "sftp.known-hosts", knownHosts.toString());
    }

    @Override
    public Map<String, String> wrongCredentials(String bucket, URI endpoint) {
        Map<String, String> settings = new HashMap<>(settings(bucket, endpoint));
        settings.put("sftp.password", "another");
        return settings;
    }

    @Override
    public void createBucket(String bucket) {
        folder.createBucket(bucket);
    }

    @Override
    public void write(String bucket, String key, byte[] bytes) {
        folder.write(bucket, key, bytes);
    }

    @Override
    public byte[] read(String bucket, String key) {
        return folder.read(bucket, key);
    }

    @Override
    public List<String> keys(String bucket) {
        return folder.keys(bucket);
    }

    @Override
    public String errorBody(int status) {
        return folder.errorBody(status);
    }

    @Override
    public void close() {
        try {
            server.stop(true);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        folder.close();
    }
}
