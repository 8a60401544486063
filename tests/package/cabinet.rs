//! Writes cabinets, as signing tools leave them: with room for a signature in the header.

use miniz_oxide::deflate::core::{
    CompressorOxide, TDEFLFlush, TDEFLStatus, compress_to_output, create_comp_flags_from_zip_params,
};

/// The offset of the header's reserved area.
const RESERVED: usize = 40;
/// The offset of the first folder's entry.
pub const FOLDERS: usize = 60;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Stored,
    MsZip,
}

/// A cabinet of one folder, without a signature.
#[derive(Clone)]
pub struct Cabinet {
    pub files: Vec<(Vec<u8>, Vec<u8>)>,
    pub packing: Packing,
    /// In place of the number of the packing.
    pub kind: Option<u16>,
    pub attributes: u16,
    pub checksums: bool,
}

impl Cabinet {
    pub fn of(files: &[(&str, &[u8])], packing: Packing) -> Self {
        Self {
            files: files
                .iter()
                .map(|(name, content)| (name.as_bytes().to_vec(), content.to_vec()))
                .collect(),
            packing,
            kind: None,
            attributes: 0x20,
            checksums: true,
        }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let data = self
            .files
            .iter()
            .flat_map(|(_, content)| content.clone())
            .collect::<Vec<u8>>();
        let mut table = Vec::new();
        let mut offset = 0u32;
        for (name, content) in &self.files {
            table.extend((content.len() as u32).to_le_bytes());
            table.extend(offset.to_le_bytes());
            table.extend(0u16.to_le_bytes());
            table.extend([0x21, 0x58, 0, 0]);
            table.extend(self.attributes.to_le_bytes());
            table.extend_from_slice(name);
            table.push(0);
            offset += content.len() as u32;
        }
        let mut blocks = Vec::new();
        let mut count = 0u16;
        let mut start = 0;
        for chunk in data.chunks(32 * 1024) {
            let packed = match self.packing {
                Packing::Stored => chunk.to_vec(),
                Packing::MsZip => deflate(chunk),
            };
            start += chunk.len();
            blocks.extend(block(&packed, chunk.len(), self.checksums));
            count += 1;
        }
        assert_eq!(start, data.len());

        let files_at = FOLDERS + 8;
        let data_at = files_at + table.len();
        let end = data_at + blocks.len();
        let mut out = Vec::new();
        out.extend(b"MSCF");
        out.extend(0u32.to_le_bytes());
        out.extend((end as u32).to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend((files_at as u32).to_le_bytes());
        out.extend(0u32.to_le_bytes());
        out.extend([3, 1]);
        out.extend(1u16.to_le_bytes());
        out.extend((self.files.len() as u16).to_le_bytes());
        out.extend(4u16.to_le_bytes());
        out.extend([0; 4]);
        out.extend([20, 0, 0, 0]);
        out.extend([0; 20]);
        let kind = self.kind.unwrap_or(match self.packing {
            Packing::Stored => 0,
            Packing::MsZip => 1,
        });
        out.extend((data_at as u32).to_le_bytes());
        out.extend(count.to_le_bytes());
        out.extend(kind.to_le_bytes());
        out.extend(table);
        out.extend(blocks);
        out
    }
}

/// The same cabinet without room for a signature, as no signing tool has seen it.
pub fn without_room(cabinet: &[u8]) -> Vec<u8> {
    let mut plain = cabinet.to_vec();
    plain.drain(36..FOLDERS);
    plain[30] = 0;
    let len = plain.len() as u32;
    plain[8..12].copy_from_slice(&len.to_le_bytes());
    // The offsets of the table of files and of the data.
    for at in [16, 36] {
        let offset = u32::from_le_bytes(plain[at..at + 4].try_into().unwrap()) - 24;
        plain[at..at + 4].copy_from_slice(&offset.to_le_bytes());
    }
    plain
}

/// One block of data with its header.
pub fn block(packed: &[u8], len: usize, checksum: bool) -> Vec<u8> {
    let mut head = Vec::new();
    head.extend((packed.len() as u16).to_le_bytes());
    head.extend((len as u16).to_le_bytes());
    let sum = if checksum {
        words(packed) ^ words(&head)
    } else {
        0
    };
    [&sum.to_le_bytes(), &head[..], packed].concat()
}

fn words(bytes: &[u8]) -> u32 {
    let mut sum = 0;
    for word in bytes.chunks(4) {
        sum ^= match *word {
            [a, b, c, d] => u32::from_le_bytes([a, b, c, d]),
            [a, b, c] => u32::from_be_bytes([0, a, b, c]),
            [a, b] => u32::from_be_bytes([0, 0, a, b]),
            [a] => u32::from(a),
            _ => 0,
        };
    }
    sum
}

/// One block of MSZIP. It makes no use of the history before it; Microsoft's package does.
fn deflate(chunk: &[u8]) -> Vec<u8> {
    let flags = create_comp_flags_from_zip_params(9, 0, 0);
    let mut compressor = CompressorOxide::new(flags);
    let mut out = b"CK".to_vec();
    let (status, _) = compress_to_output(&mut compressor, chunk, TDEFLFlush::Finish, |part| {
        out.extend_from_slice(part);
        true
    });
    assert_eq!(status, TDEFLStatus::Done);
    out
}

/// The digest that is signed.
pub fn digest(cabinet: &[u8]) -> Vec<u8> {
    let parts = [&cabinet[..4], &cabinet[8..34], &cabinet[56..]].concat();
    endorse::hash::sha256(&parts).0.to_vec()
}

/// The cabinet with a signature behind it, padded as signing tools do.
pub fn attach(cabinet: &[u8], signature: &[u8]) -> Vec<u8> {
    let mut out = cabinet.to_vec();
    let padded = signature.len().next_multiple_of(8);
    out[RESERVED..RESERVED + 4].copy_from_slice(&0x0010_0000u32.to_le_bytes());
    out[RESERVED + 4..RESERVED + 8].copy_from_slice(&(cabinet.len() as u32).to_le_bytes());
    out[RESERVED + 8..RESERVED + 12].copy_from_slice(&(padded as u32).to_le_bytes());
    out.extend_from_slice(signature);
    out.resize(cabinet.len() + padded, 0);
    out
}
